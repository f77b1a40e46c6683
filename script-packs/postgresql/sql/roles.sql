-- Judges each role that a dump or its metadata names, one a line: what it is (owner, grantee, …), its name, and
--   tenant      objects may be given to it: it belongs to the target database
--   missing     it does not exist
--   superuser   it is one
--   privileged  it has, or may take, rights that go beyond a database
--   foreign     it has to do with other databases and not with this one: objects that it owns would act with its rights
-- A dump comes from outside: what it says of owners gives its objects to roles only if the target says that they belong together.
\set roles `cat "$BACKUP_DIRECTORY/roles"`
\set metadata `cat "$BACKUP_METADATA"`
WITH RECURSIVE
named (usage, name) AS (
    SELECT DISTINCT split_part(line, E'\t', 1), split_part(line, E'\t', 2)
    FROM unnest(string_to_array(:'roles', E'\n')) AS line WHERE line ~ '^(owner|grantor|grantee|policy)\t'
        -- Predefined roles are no accounts: the owner of the database is pg_database_owner, the others have members.
        AND line !~ '^owner\tpg_'
    -- Settings of roles come from the metadata alone. A name is a line below.
    UNION SELECT 'setting', s ->> 'role' FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'settings', '[]')) s
    WHERE s ->> 'role' ~ '^[^[:cntrl:]]+$'
),
target AS (
    SELECT d.oid, d.datdba FROM pg_database d WHERE d.datname = :'target'
),
-- The owner of the target, or of the database that is to be created.
tenant AS (
    SELECT r.* FROM pg_roles r WHERE r.oid = coalesce((SELECT datdba FROM target), (SELECT oid FROM pg_roles WHERE rolname = :'owner'))
),
-- Predefined roles that reach beyond what their members own.
mighty AS (
    SELECT oid FROM pg_roles WHERE rolsuper OR rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
        'pg_read_all_data', 'pg_write_all_data', 'pg_signal_backend', 'pg_checkpoint', 'pg_maintain', 'pg_create_subscription',
        'pg_use_reserved_connections', 'pg_signal_autovacuum_worker')
),
member_of (member, role) AS (
    SELECT member, roleid FROM pg_auth_members
    UNION SELECT m.member, a.roleid FROM member_of m JOIN pg_auth_members a ON a.member = m.role
),
-- Databases with which a role has to do: it owns them or objects in them, or was granted something there. Copies of the target that
-- restores made do not count.
stake (role, database) AS (
    SELECT datdba, oid FROM pg_database
    UNION SELECT refobjid, dbid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND dbid <> 0
),
others AS (
    SELECT oid, datdba FROM pg_database WHERE datname <> :'target'
        AND coalesce(shobj_description(oid, 'pg_database'), '') NOT LIKE 'osb-backup: %'
),
judged AS (
    SELECT n.usage, n.name, r.oid, r.rolsuper,
        r.oid = (SELECT oid FROM tenant) AS is_tenant,
        r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls
            OR EXISTS (SELECT FROM member_of m JOIN mighty ON mighty.oid = m.role WHERE m.member = r.oid) AS is_mighty,
        EXISTS (SELECT FROM member_of m WHERE m.member = (SELECT oid FROM tenant WHERE NOT rolsuper) AND m.role = r.oid)
            OR r.rolname IN (:'main', :'second')
            OR r.rolname = ANY (regexp_split_to_array(:'owner_roles', '[\s,]+'))
            OR EXISTS (SELECT FROM stake s JOIN target t ON t.oid = s.database JOIN pg_shdepend d
                ON d.dbid = t.oid AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o' WHERE s.role = r.oid)
            OR NOT EXISTS (SELECT FROM stake s JOIN others o ON o.oid = s.database
                WHERE s.role = r.oid AND o.datdba IS DISTINCT FROM (SELECT oid FROM tenant WHERE NOT rolsuper)) AS is_related
    FROM named n LEFT JOIN pg_roles r ON r.rolname = n.name
)
SELECT usage, CASE
        WHEN oid IS NULL THEN 'missing'
        WHEN rolsuper THEN 'superuser'
        WHEN is_tenant THEN 'tenant'
        WHEN is_mighty AND NOT name = ANY (regexp_split_to_array(:'owner_roles', '[\s,]+')) THEN 'privileged'
        WHEN is_related THEN 'tenant'
        ELSE 'foreign' END, name
FROM judged ORDER BY usage, name;
