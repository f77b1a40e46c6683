-- Prints, a line each, the sessions in the database :target.
SELECT format('pid %s, user %s, %s, %s', pid, coalesce(usename, '?'), coalesce(nullif(application_name, ''), 'application without a name'), coalesce(state, 'state hidden'))
    || coalesce(format(', query for %s s', extract(epoch FROM clock_timestamp() - query_start)::int), '')
FROM pg_stat_activity WHERE datname = :'target' ORDER BY backend_start;
