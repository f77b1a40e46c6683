-- The end of a restore in place: settings and comment of the database that the backup does not have go, and what the temporary role
-- still owns goes to :fallback.
SELECT set_config('search_path', 'pg_catalog, pg_temp', false) \g /dev/null
\set metadata `cat "$BACKUP_METADATA"`
SELECT format('ALTER DATABASE %I RESET %s', :'name', (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(split_part(config, '=', 1), '.')) AS part))
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase CROSS JOIN unnest(s.setconfig) AS config
WHERE d.datname = :'name' AND s.setrole = 0 AND pg_has_role(d.datdba, 'USAGE') AND jsonb_typeof(:'metadata'::jsonb -> 'settings') = 'array' AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(:'metadata'::jsonb -> 'settings') m WHERE m ->> 'role' IS NULL AND (m ->> 'name') || '=' || (m ->> 'value') = config) \gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'name', :'metadata'::jsonb #>> '{database,connectionLimit}')
FROM pg_database d WHERE datname = :'name' AND pg_has_role(d.datdba, 'USAGE') AND (:'metadata'::jsonb #>> '{database,connectionLimit}')::int IS DISTINCT FROM datconnlimit
    AND :'metadata'::jsonb #> '{database,connectionLimit}' IS NOT NULL \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'name', :'metadata'::jsonb #>> '{database,comment}')
FROM pg_database d WHERE datname = :'name' AND pg_has_role(d.datdba, 'USAGE') AND :'metadata'::jsonb -> 'database' IS NOT NULL \gexec
SELECT format('REASSIGN OWNED BY %I TO %I', current_user, :'fallback') WHERE current_user LIKE 'osb_restore_%' \gexec
