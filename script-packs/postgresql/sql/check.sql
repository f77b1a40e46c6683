-- Prints what stands in the way of dumping this database with the current account and of restoring it later: lines of
-- severity (error, warning, need), code and sentence. A need is what a restore wants from its server. Last, the line of the severity "size": its
-- bytes, and the same for people.
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects,
me AS (SELECT r.oid, r.rolname, r.rolsuper FROM pg_roles r WHERE r.rolname = current_user),
this AS (SELECT d.oid, d.datname, o.rolname AS owner, o.rolsuper AS owner_is_superuser, d.datdba
    FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba WHERE d.datname = current_database()),
-- Content is restored with the rights of its owners. Only where all of it belongs to superusers a superuser may restore it.
restorer AS (SELECT NOT (this.owner_is_superuser AND NOT EXISTS (
    SELECT FROM objects JOIN pg_roles r ON r.oid = objects.owner WHERE NOT r.rolsuper AND r.oid >= 16384)) AS is_ordinary FROM this),
relation AS (
    SELECT c.oid, c.relkind, c.relrowsecurity, format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid >= 16384 AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE (d.classid, d.objid) = ('pg_class'::regclass, c.oid) AND d.deptype = 'e')
    UNION
    -- Extensions name tables of theirs that hold users' data.
    SELECT c.oid, c.relkind, c.relrowsecurity, format('%I.%I', n.nspname, c.relname), n.oid
    FROM pg_extension e CROSS JOIN unnest(e.extconfig) AS config JOIN pg_class c ON c.oid = config JOIN pg_namespace n ON n.oid = c.relnamespace
),
superuser_only (classid, objid) AS (
    SELECT classid, objid FROM objects JOIN pg_proc p ON p.oid = objid JOIN pg_language l ON l.oid = p.prolang
        WHERE classid = 'pg_proc'::regclass AND (NOT l.lanpltrusted AND p.prokind <> 'a' OR p.proleakproof OR p.prosupport <> 0)
    UNION ALL SELECT classid, objid FROM objects JOIN pg_aggregate a ON a.aggfnoid = objid
        WHERE classid = 'pg_proc'::regclass AND 'internal'::regtype IN (a.aggtranstype, a.aggmtranstype)
    UNION ALL SELECT classid, objid FROM objects JOIN pg_type t ON t.oid = objid WHERE classid = 'pg_type'::regclass AND t.typtype = 'b'
    UNION ALL SELECT classid, objid FROM objects WHERE classid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass,
        'pg_event_trigger'::regclass, 'pg_foreign_data_wrapper'::regclass, 'pg_language'::regclass)
    UNION ALL SELECT classid, objid FROM objects JOIN pg_publication p ON p.oid = objid
        -- FOR ALL TABLES, and FOR TABLES IN SCHEMA: pg_publication_namespace (6237) came with 15.
        WHERE classid = 'pg_publication'::regclass AND (p.puballtables OR EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 6237 AND (d.refclassid, d.refobjid) = ('pg_publication'::regclass, p.oid)))
    UNION ALL SELECT a.classid, a.objid FROM (
            SELECT 'pg_cast'::regclass::oid AS classid, oid AS objid FROM pg_cast WHERE castmethod = 'b'
            UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
            UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
            UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
            UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform) a
        -- i: what another object brings along, as a range type its casts.
        WHERE a.objid >= 16384 AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE (d.classid, d.objid) = (a.classid, a.objid) AND d.deptype IN ('e', 'i'))
),
-- The first few names of each finding.
finding (position, severity, code, sentence, names) AS (
    SELECT 1, 'error', 'not-readable', 'the account ' || (SELECT quote_ident(rolname) FROM me) || ' cannot read (grant pg_read_all_data, or SELECT and USAGE of the schema)',
        (SELECT array_agg(name ORDER BY name) FROM relation WHERE relkind IN ('r', 'p', 'S')
            AND NOT (has_schema_privilege(schema, 'USAGE') AND CASE relkind
                WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT') ELSE has_table_privilege(oid, 'SELECT') END))
    UNION ALL SELECT 2, 'error', 'row-level-security', 'row-level security hides rows from the account '
            || (SELECT quote_ident(rolname) FROM me) || ' (dump as the owner, or grant BYPASSRLS)',
        (SELECT array_agg(name ORDER BY name) FROM relation WHERE relkind IN ('r', 'p') AND relrowsecurity AND row_security_active(oid))
    UNION ALL SELECT 3, 'error', 'large-objects', 'the account ' || (SELECT quote_ident(rolname) FROM me)
            || ' cannot read large objects (dump as their owner or a superuser; pg_read_all_data does not cover them)',
        (SELECT array_agg(l.oid::text ORDER BY l.oid) FROM pg_largeobject_metadata l, me
            WHERE NOT me.rolsuper AND current_setting('lo_compat_privileges') = 'off' AND NOT (l.lomacl IS NULL AND pg_has_role(l.lomowner, 'USAGE'))
                AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT'
                    AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))))
    UNION ALL SELECT 4, CASE :'superuser_objects' WHEN 'fail' THEN 'error' ELSE 'warning' END, 'superuser-objects',
        'only a superuser can create, so that a restore, which has no such rights, '
            || CASE :'superuser_objects' WHEN 'fail' THEN 'is not possible (drop them, let an extension own them, or set superuser_objects to skip)' ELSE 'leaves them out' END,
        (SELECT array_agg(pg_describe_object(classid, objid, 0) ORDER BY 1) FROM superuser_only WHERE (SELECT is_ordinary FROM restorer)
            AND classid NOT IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_cast'::regclass))
    UNION ALL SELECT 4, 'error', 'superuser-functions', 'only a superuser can create, so that a restore, which has no such rights, is not possible (let an extension own them)',
        (SELECT array_agg(pg_describe_object(classid, objid, 0) ORDER BY 1) FROM superuser_only WHERE (SELECT is_ordinary FROM restorer)
            AND classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_cast'::regclass))
    UNION ALL SELECT 5, 'warning', 'superuser-owned', 'objects of a superuser belong to the owner of the database after a restore, which gives nothing to superusers; better give them to a role of the application now (ALTER … OWNER TO)',
        (SELECT array_agg(pg_describe_object(classid, objid, 0) ORDER BY 1) FROM objects JOIN pg_roles r ON r.oid = objects.owner
            WHERE r.rolsuper AND (SELECT is_ordinary FROM restorer) AND (classid, objid) NOT IN (SELECT classid, objid FROM superuser_only))
    UNION ALL SELECT 6, 'warning', 'subscriptions', 'subscriptions are not dumped: they hold passwords, and a restored copy must not subscribe',
        (SELECT array_agg(subname::text ORDER BY subname) FROM pg_subscription, this WHERE subdbid = this.oid)
    UNION ALL SELECT 7, 'warning', 'foreign-tables', 'the rows of foreign tables are on other servers and are not dumped',
        (SELECT array_agg(name ORDER BY name) FROM relation WHERE relkind = 'f')
    UNION ALL SELECT 8, 'warning', 'invalid-indexes', 'invalid indexes are not dumped; REINDEX them',
        (SELECT array_agg(format('%I.%I', n.nspname, c.relname) ORDER BY 1) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND c.oid >= 16384 AND n.nspname !~ '^pg_toast'
            AND NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = i.indexrelid AND p.relkind = 'I'))
    UNION ALL SELECT 9, 'warning', 'tablespaces', 'tablespaces are not part of a backup; their tables are restored into the default one',
        (SELECT array_agg(DISTINCT t.spcname::text) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid >= 16384 AND t.spcname <> 'pg_global')
    UNION ALL SELECT 10, 'warning', 'replication-slots', 'logical replication slots belong to the database itself: a restore in mode swap leaves them with the previous database',
        (SELECT array_agg(slot_name::text) FROM pg_replication_slots, this WHERE database = this.datname)
    UNION ALL SELECT 11, 'need', 'extensions', 'extensions that only a privileged account may create',
        (SELECT array_agg(extname || ' ' || extversion ORDER BY extname) FROM pg_extension e WHERE extname <> 'plpgsql' AND NOT EXISTS (
            SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND v.version = e.extversion AND (v.trusted OR NOT v.superuser)))
    UNION ALL SELECT 12, 'need', 'roles', 'the roles',
        (SELECT array_agg(DISTINCT r.rolname::text) FROM pg_roles r, this WHERE NOT r.rolsuper AND r.rolname <> this.owner AND r.oid >= 16384 AND (
            r.oid IN (SELECT owner FROM objects) OR r.oid IN (SELECT refobjid FROM pg_shdepend
                WHERE refclassid = 'pg_authid'::regclass AND deptype IN ('a', 'r') AND dbid = this.oid)))
    UNION ALL SELECT 13, 'foreign', 'foreign-objects', 'in mode in-place, a restore over this database cannot replace objects that its owner does not own',
        (SELECT array_agg(pg_describe_object(classid, objid, 0) ORDER BY 1) FROM objects, this
            WHERE NOT this.owner_is_superuser AND NOT pg_has_role(this.datdba, objects.owner, 'USAGE'))
)
SELECT severity, code, sentence || ': ' || array_to_string(names[1:5], ', ')
    || CASE WHEN cardinality(names) > 5 THEN format(' and %s more', cardinality(names) - 5) ELSE '' END
FROM finding WHERE names IS NOT NULL ORDER BY position;
SELECT 'size', pg_database_size(current_database()), pg_size_pretty(pg_database_size(current_database()));
