-- Removes, within the caller's transaction, everything that the current role, and roles that it is a member of, own in this database
-- and that no extension owns; default privileges and the grants on the schema public go back to what a new database has. Refuses
-- if objects of others depend on any of it: they would be lost.
\set objects `cat "$PACK/sql/objects.sql"`
-- :all is "true" for a superuser who restores a database of superusers: then there are no others.
SELECT set_config('osb_backup.all', :'all', true) \g /dev/null
CREATE TEMPORARY TABLE osb_backup_doomed ON COMMIT DROP AS
WITH :objects
SELECT classid, objid, owner, format('%s', pg_describe_object(classid, objid, 0)) AS description,
    CASE WHEN current_setting('osb_backup.all') = 'true' OR pg_has_role(owner, 'USAGE') THEN true ELSE false END AS is_ours
FROM objects;
DO $refuse$
DECLARE
    others text;
BEGIN
    -- Objects of others that depend on ours, or that are in our schemas; also over what has no owner of its own (a view's rule).
    WITH RECURSIVE dependent (classid, objid) AS (
        SELECT classid, objid FROM pg_temp.osb_backup_doomed WHERE is_ours
        UNION
        SELECT next.classid, next.objid FROM dependent p CROSS JOIN LATERAL (
            SELECT d.classid, d.objid FROM pg_depend d
            WHERE d.refclassid = p.classid AND d.refobjid = p.objid AND d.deptype IN ('n', 'a', 'i', 'P', 'S') AND d.objid <> 0
            UNION ALL
            SELECT 'pg_class'::regclass, r.ev_class FROM pg_rewrite r WHERE p.classid = 'pg_rewrite'::regclass AND r.oid = p.objid) next
    )
    SELECT string_agg(description, ', ') INTO others FROM (
        SELECT o.description || ' of ' || pg_get_userbyid(o.owner) AS description
        FROM dependent d JOIN pg_temp.osb_backup_doomed o ON (o.classid, o.objid) = (d.classid, d.objid) WHERE NOT o.is_ours LIMIT 5) found;
    IF others IS NOT NULL THEN
        RAISE EXCEPTION 'objects of other roles depend on what is to be replaced: %', others
            USING HINT = 'Drop them or give them to the owner of the database, or give the instance an account that may create databases (mode swap).';
    END IF;
END
$refuse$;
-- Whole schemas first: that takes most with it.
SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_temp.osb_backup_doomed o JOIN pg_namespace n ON n.oid = o.objid
WHERE o.classid = 'pg_namespace'::regclass AND is_ours AND nspname <> 'public'
    -- A schema that an extension is in stays with it; what is ours in it is dropped below.
    AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extnamespace = n.oid) \gexec
SELECT format('DROP %s IF EXISTS %s CASCADE',
    CASE i.type WHEN 'function' THEN 'ROUTINE' WHEN 'procedure' THEN 'ROUTINE' WHEN 'aggregate' THEN 'ROUTINE'
        WHEN 'composite type' THEN 'TYPE' WHEN 'statistics object' THEN 'STATISTICS' ELSE replace(i.type, '-', ' ') END, i.identity)
FROM pg_temp.osb_backup_doomed o CROSS JOIN pg_identify_object(o.classid, o.objid, 0) i
WHERE is_ours AND i.identity IS NOT NULL AND o.classid <> 'pg_largeobject'::regclass AND o.classid <> 'pg_namespace'::regclass \gexec
-- What has no owner, but only a superuser can create.
SELECT format('DROP %s IF EXISTS %s CASCADE', i.type, CASE i.type WHEN 'transform' THEN replace(i.identity, ' on language ', ' LANGUAGE ') ELSE i.identity END)
FROM (
    SELECT 'pg_am'::regclass::oid AS classid, oid AS objid FROM pg_am
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast) a CROSS JOIN pg_identify_object(a.classid, a.objid, 0) i
WHERE current_setting('osb_backup.all') = 'true' AND a.objid >= 16384 AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE (d.classid, d.objid) = (a.classid, a.objid) AND d.deptype IN ('e', 'i')) \gexec
SELECT lo_unlink(objid) FROM pg_temp.osb_backup_doomed WHERE is_ours AND classid = 'pg_largeobject'::regclass \g /dev/null
-- Rows that users put into tables of extensions, which are dumped too: as far as they may be deleted.
SELECT format('DELETE FROM %I.%I %s', n.nspname, c.relname, condition)
FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS config (tableoid, condition)
    JOIN pg_class c ON c.oid = config.tableoid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND has_table_privilege(c.oid, 'DELETE') \gexec
-- Default privileges: what is granted beyond a new database's is revoked, what it lacks is granted; PostgreSQL then forgets the entry.
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s', pg_get_userbyid(a.defaclrole), CASE WHEN n.nspname IS NULL THEN '' ELSE format(' IN SCHEMA %I', n.nspname) END, action)
FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
    CROSS JOIN LATERAL (SELECT CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind) k
    CROSS JOIN LATERAL (
        SELECT format('REVOKE ALL ON %s FROM %s', kind, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS action, 1 AS step
        FROM aclexplode(a.defaclacl) g GROUP BY g.grantee
        UNION ALL SELECT format('GRANT ALL ON %s TO %I', kind, pg_get_userbyid(a.defaclrole)), 2 WHERE a.defaclnamespace = 0
        UNION ALL SELECT format('GRANT %s ON %s TO PUBLIC', CASE a.defaclobjtype WHEN 'f' THEN 'EXECUTE' ELSE 'USAGE' END, kind), 3
            WHERE a.defaclnamespace = 0 AND a.defaclobjtype IN ('f', 'T')) actions
WHERE current_setting('osb_backup.all') = 'true' OR pg_has_role(a.defaclrole, 'USAGE')
ORDER BY a.oid, step \gexec
SELECT format('REVOKE ALL ON SCHEMA public FROM %s', CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g
WHERE n.nspname = 'public' AND pg_has_role(n.nspowner, 'USAGE') AND g.grantee <> n.nspowner GROUP BY g.grantee
UNION ALL
SELECT format('GRANT %s ON SCHEMA public TO PUBLIC', CASE WHEN current_setting('server_version_num')::int < 150000 THEN 'USAGE, CREATE' ELSE 'USAGE' END)
FROM pg_namespace n WHERE n.nspname = 'public' AND pg_has_role(n.nspowner, 'USAGE') \gexec
