-- Prints, a line each, the sessions that hold up sessions of this job, and ends them if :terminate is "terminate".
WITH ours AS (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()
)
SELECT format('pid %s, user %s, %s, %s', a.pid, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), 'application without a name'),
        coalesce(a.state, 'state hidden'))
    || coalesce(format(', transaction for %s s', extract(epoch FROM clock_timestamp() - a.xact_start)::int), '')
    || coalesce(format(', query for %s s', extract(epoch FROM clock_timestamp() - a.query_start)::int), '')
    || CASE WHEN :'terminate' = 'terminate' AND pg_terminate_backend(a.pid) THEN ' (ended)' ELSE '' END
FROM pg_stat_activity a
WHERE a.pid IN (SELECT unnest(pg_blocking_pids(ours.pid)) FROM ours) AND a.pid NOT IN (SELECT pid FROM ours);
