-- Gives the database :name the grants of :'metadata' (those of a new database, if it says nothing), and prints the roles that are
-- missing. Run by its owner, or by a superuser.
\set metadata `cat "$BACKUP_METADATA"`
SELECT format('REVOKE ALL ON DATABASE %I FROM %s', :'name', CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = :'name' AND a.grantee <> d.datdba GROUP BY a.grantee \gexec
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', :'name')
WHERE :'metadata'::jsonb #> '{database,grants}' IS NULL OR :'metadata'::jsonb #> '{database,grants}' = 'null' \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', CASE g ->> 'privilege' WHEN 'CREATE' THEN 'CREATE' WHEN 'CONNECT' THEN 'CONNECT' ELSE 'TEMPORARY' END,
    :'name', CASE WHEN g ->> 'role' IS NULL THEN 'PUBLIC' ELSE quote_ident(g ->> 'role') END,
    CASE WHEN (g ->> 'grantable')::boolean THEN ' WITH GRANT OPTION' ELSE '' END)
FROM jsonb_array_elements(CASE jsonb_typeof(:'metadata'::jsonb #> '{database,grants}') WHEN 'array' THEN :'metadata'::jsonb #> '{database,grants}' ELSE '[]' END) AS g
WHERE g ->> 'role' IS NULL OR EXISTS (SELECT FROM pg_roles WHERE rolname = g ->> 'role') \gexec
SELECT DISTINCT g ->> 'role'
FROM jsonb_array_elements(CASE jsonb_typeof(:'metadata'::jsonb #> '{database,grants}') WHEN 'array' THEN :'metadata'::jsonb #> '{database,grants}' ELSE '[]' END) AS g
WHERE g ->> 'role' IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = g ->> 'role');
