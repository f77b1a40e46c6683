-- Prints what :'metadata' says was granted on objects of extensions and is not granted here, in a few words.
\set metadata `cat "$BACKUP_METADATA"`
WITH wanted AS (
    SELECT g ->> 'kind' AS kind, g ->> 'privilege' AS privilege, coalesce(g ->> 'role', 'PUBLIC') AS role, object
    FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'extensionGrants', '[]')) AS g CROSS JOIN jsonb_array_elements_text(g -> 'objects') AS object
),
there AS (
    SELECT i.identity, a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS role
    FROM pg_depend d CROSS JOIN pg_identify_object(d.classid, d.objid, 0) i
        LEFT JOIN pg_class c ON (d.classid, d.objid) = ('pg_class'::regclass, c.oid)
        LEFT JOIN pg_proc p ON (d.classid, d.objid) = ('pg_proc'::regclass, p.oid)
        LEFT JOIN pg_foreign_data_wrapper f ON (d.classid, d.objid) = ('pg_foreign_data_wrapper'::regclass, f.oid)
        CROSS JOIN aclexplode(coalesce(c.relacl, p.proacl, f.fdwacl)) a
    WHERE d.deptype = 'e' AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_foreign_data_wrapper'::regclass)
)
SELECT format('%s on %s %s to %s%s; ', w.privilege, w.kind, min(w.object), w.role, CASE WHEN count(*) > 1 THEN format(' and %s more', count(*) - 1) ELSE '' END)
FROM wanted w WHERE w.kind <> 'schema' AND NOT EXISTS (
    SELECT FROM there t WHERE t.identity = w.object AND t.privilege_type = w.privilege AND t.role = w.role)
GROUP BY w.kind, w.privilege, w.role LIMIT 5;
