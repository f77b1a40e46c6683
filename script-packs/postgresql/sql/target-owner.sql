-- Prints whether the owner of the database :target is a superuser, whether superusers alone owned what is in the dump, and the owner; of a
-- database that is to be created, to whom it may belong; nothing if none is known. Sets :owner, and writes the search path that the
-- definitions of the dump are run with to the file :search_path_file: the dumped database's, quoted for SQL.
\set metadata `cat "$BACKUP_METADATA"`
WITH dumped AS (
    SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname = :'metadata'::jsonb #>> '{database,owner}' AND NOT r.rolsuper AND r.oid >= 16384
)
SELECT coalesce(
    (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'target'),
    (SELECT rolname FROM dumped WHERE rolname IN (:'main', :'second') OR rolname = ANY (regexp_split_to_array(:'owner_roles', '[\s,]+'))
        OR NOT EXISTS (SELECT FROM pg_database d WHERE d.datdba = dumped.oid)
            AND NOT EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = dumped.oid AND s.dbid <> 0)),
    (SELECT rolname FROM pg_roles WHERE rolname = :'main' AND NOT rolsuper),
    (SELECT rolname FROM pg_roles WHERE rolname = ANY (regexp_split_to_array(:'owner_roles', '[\s,]+')) AND NOT rolsuper LIMIT 1),
    '') AS owner \gset
SELECT coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = :'owner'), false),
    CASE coalesce(jsonb_typeof(:'metadata'::jsonb -> 'roles'), 'array') WHEN 'array' THEN (
        SELECT coalesce(bool_and(r ->> 'superuser' = 'true'), true) FROM jsonb_array_elements(:'metadata'::jsonb -> 'roles') r
        WHERE r ->> 'usage' = 'owner' AND r ->> 'name' <> 'pg_database_owner') ELSE false END,
    :'owner';
\o :search_path_file
SELECT quote_literal(coalesce((SELECT s ->> 'value' FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'settings', '[]')) s
    WHERE s ->> 'role' IS NULL AND s ->> 'name' = 'search_path'), '"$user", public'));
\o
