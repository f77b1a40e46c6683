-- Prints, as one line of JSON, what a restore needs to know and pg_dump does not write: the database itself, its settings and
-- grants, the versions of its extensions, and who owns what where.
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects,
extension AS (
    SELECT e.oid, e.extname, e.extversion, n.nspname, pg_get_userbyid(e.extowner) AS owner,
        obj_description(e.oid, 'pg_extension') AS comment
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname <> 'plpgsql'
),
-- Of roles, only what pg_shdepend knows is asked for: owners, grantees, and roles of policies.
used_role (oid, usage) AS (
    SELECT owner, 'owner' FROM objects
    UNION SELECT refobjid, CASE deptype WHEN 'r' THEN 'policy' ELSE 'grantee' END FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND deptype IN ('a', 'r')
            AND (dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                OR (classid, objid) = ('pg_database'::regclass, (SELECT oid FROM pg_database WHERE datname = current_database())))
    UNION SELECT defaclrole, 'default privileges' FROM pg_default_acl
    UNION SELECT umuser, 'user mapping' FROM pg_user_mappings WHERE umuser <> 0
),
setting AS (
    SELECT r.rolname AS role, split_part(config, '=', 1) AS name, substr(config, strpos(config, '=') + 1) AS value
    FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        CROSS JOIN unnest(s.setconfig) AS config
    WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
),
-- Where an owner of objects is not the owner of their schema, and so may lack the right to create in it.
placement AS (
    SELECT DISTINCT n.nspname AS schema, pg_get_userbyid(o.owner) AS role
    FROM objects o JOIN pg_namespace n ON n.oid = o.schema
    WHERE o.owner <> n.nspowner
)
SELECT jsonb_build_object(
    'format', 1,
    'serverVersion', current_setting('server_version_num')::int,
    'database', (
        SELECT jsonb_build_object(
            'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
            'collate', d.datcollate, 'ctype', d.datctype,
            'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
            'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
            'icuRules', to_jsonb(d) ->> 'daticurules',
            'connectionLimit', d.datconnlimit, 'comment', shobj_description(d.oid, 'pg_database'),
            'sizeBytes', CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END,
            'grants', CASE WHEN d.datacl IS NOT NULL THEN (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'role', CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END,
                    'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
                FROM aclexplode(d.datacl) a WHERE a.grantee <> d.datdba) END,
            'ownerPrivileges', CASE WHEN d.datacl IS NOT NULL THEN (
                SELECT coalesce(jsonb_agg(a.privilege_type), '[]') FROM aclexplode(d.datacl) a WHERE a.grantee = d.datdba) END)
        FROM pg_database d WHERE d.datname = current_database()),
    'settings', (SELECT coalesce(jsonb_agg(to_jsonb(setting) ORDER BY role, name), '[]') FROM setting),
    'extensions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', extname, 'version', extversion, 'schema', nspname, 'owner', owner, 'comment', comment,
            -- A schema that an extension created itself comes with it.
            'ownSchema', EXISTS (SELECT FROM pg_depend d JOIN pg_namespace n ON n.oid = d.objid
                WHERE d.classid = 'pg_namespace'::regclass AND d.deptype = 'e' AND n.nspname = extension.nspname))
        ORDER BY oid), '[]') FROM extension),
    'roles', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('name', r.rolname, 'superuser', r.rolsuper, 'usage', u.usage,
            'objects', (SELECT count(*) FROM objects WHERE owner = r.oid)) ORDER BY r.rolname, u.usage), '[]')
        FROM used_role u JOIN pg_roles r ON r.oid = u.oid),
    'schemaOwners', (SELECT coalesce(jsonb_object_agg(nspname, pg_get_userbyid(nspowner)), '{}') FROM pg_namespace
        WHERE nspname IN (SELECT nspname FROM extension)),
    -- Grants on what belongs to extensions, and on schemas of a superuser that extensions are in; objects with the same grant together.
    'extensionGrants', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'role', role, 'privilege', privilege, 'grantable', grantable, 'objects', objects)), '[]')
        FROM (
            SELECT kind, CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS role, a.privilege_type AS privilege,
                a.is_grantable AS grantable, jsonb_agg(identity ORDER BY identity) AS objects
            FROM (
                SELECT CASE d.classid WHEN 'pg_class'::regclass THEN 'table' WHEN 'pg_proc'::regclass THEN 'routine' ELSE 'wrapper' END AS kind,
                    i.identity, coalesce(c.relowner, p.proowner, f.fdwowner) AS owner, coalesce(c.relacl, p.proacl, f.fdwacl) AS acl
                FROM pg_depend d CROSS JOIN pg_identify_object(d.classid, d.objid, 0) i
                    LEFT JOIN pg_class c ON (d.classid, d.objid) = ('pg_class'::regclass, c.oid)
                    LEFT JOIN pg_proc p ON (d.classid, d.objid) = ('pg_proc'::regclass, p.oid)
                    LEFT JOIN pg_foreign_data_wrapper f ON (d.classid, d.objid) = ('pg_foreign_data_wrapper'::regclass, f.oid)
                WHERE d.deptype = 'e' AND coalesce(c.relacl, p.proacl, f.fdwacl) IS NOT NULL
                UNION ALL
                SELECT 'schema', quote_ident(n.nspname), n.nspowner, n.nspacl FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
                WHERE r.rolsuper AND n.oid >= 16384 AND n.nspname IN (SELECT nspname FROM extension)
            ) granted CROSS JOIN aclexplode(acl) a WHERE a.grantee <> owner AND (kind <> 'routine' OR a.grantee <> 0)
            GROUP BY 1, 2, 3, 4
            -- What does not fit beside the rest of the metadata is left out, and reported when it is missing at a restore.
            HAVING sum(octet_length(identity)) < 60000
        ) grants),
    'placements', (SELECT coalesce(jsonb_agg(to_jsonb(placement)), '[]') FROM placement)
)
