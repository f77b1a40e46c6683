-- Gives extensions the comments that :'metadata' has, and grants what was granted on their tables, routines and foreign-data wrappers, and
-- on schemas of a superuser that extensions are in. Only what is such an object here, and belongs to the current account, is touched;
-- a routine only where PUBLIC may execute it anyway, so that no user gets what the extension keeps from its users.
\set metadata `cat "$BACKUP_METADATA"`
SELECT format('COMMENT ON EXTENSION %I IS %L', x.extname, e ->> 'comment')
FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'extensions', '[]')) AS e JOIN pg_extension x ON x.extname = e ->> 'name'
WHERE pg_has_role(x.extowner, 'USAGE') AND obj_description(x.oid, 'pg_extension') IS DISTINCT FROM e ->> 'comment' \gexec
WITH member AS (
    SELECT CASE d.classid WHEN 'pg_class'::regclass THEN 'table' WHEN 'pg_proc'::regclass THEN 'routine' ELSE 'wrapper' END AS kind, i.identity
    FROM pg_depend d CROSS JOIN pg_identify_object(d.classid, d.objid, 0) i
        LEFT JOIN pg_proc p ON (d.classid, d.objid) = ('pg_proc'::regclass, p.oid)
    WHERE d.deptype = 'e' AND (d.classid IN ('pg_class'::regclass, 'pg_foreign_data_wrapper'::regclass)
        OR p.oid IS NOT NULL AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')))
    UNION ALL
    SELECT 'schema', quote_ident(n.nspname) FROM pg_namespace n JOIN pg_extension e ON e.extnamespace = n.oid WHERE n.oid >= 16384
)
SELECT format('GRANT %s ON %s %s TO %s%s', g ->> 'privilege',
    CASE m.kind WHEN 'schema' THEN 'SCHEMA' WHEN 'table' THEN 'TABLE' WHEN 'routine' THEN 'ROUTINE' ELSE 'FOREIGN DATA WRAPPER' END, m.identity,
    CASE WHEN g ->> 'role' IS NULL THEN 'PUBLIC' ELSE quote_ident(g ->> 'role') END,
    CASE WHEN (g ->> 'grantable')::boolean THEN ' WITH GRANT OPTION' ELSE '' END)
FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'extensionGrants', '[]')) AS g
    CROSS JOIN jsonb_array_elements_text(g -> 'objects') AS object
    JOIN member m ON m.kind = g ->> 'kind' AND m.identity = object
WHERE (g ->> 'role' IS NULL OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = g ->> 'role'))
    AND g ->> 'privilege' = ANY (CASE m.kind WHEN 'schema' THEN '{USAGE}' WHEN 'wrapper' THEN '{USAGE}' WHEN 'routine' THEN '{EXECUTE}'
        ELSE '{SELECT,INSERT,UPDATE,DELETE,USAGE,REFERENCES,TRIGGER,TRUNCATE,MAINTAIN}' END::text[])
\gexec
