-- Prints the owner of the database :target; of one that is to be created, to whom it may belong; nothing if none is known.
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
    '');
