-- Not a statement: the beginning of a WITH clause, which other files take in as :objects.
-- objects: everything that users created in this database and that has an owner, without what belongs to an extension.
owned (classid, objid, owner, schema) AS (
    SELECT 'pg_class'::regclass::oid, oid, relowner, relnamespace FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace FROM pg_proc
    -- Without array and row types, which go with their elements and tables.
    UNION ALL SELECT 'pg_type'::regclass, t.oid, typowner, typnamespace FROM pg_type t
        WHERE (typtype IN ('b', 'd', 'e', 'r') OR NOT typisdefined OR typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
            AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, NULL FROM pg_namespace
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner, oprnamespace FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner, opcnamespace FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner, opfnamespace FROM pg_opfamily
    UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, collnamespace FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner, connamespace FROM pg_conversion
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner, cfgnamespace FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner, dictnamespace FROM pg_ts_dict
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner, stxnamespace FROM pg_statistic_ext
    UNION ALL SELECT 'pg_publication'::regclass, oid, pubowner, NULL FROM pg_publication
    UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtowner, NULL FROM pg_event_trigger
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwowner, NULL FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvowner, NULL FROM pg_foreign_server
    UNION ALL SELECT 'pg_language'::regclass, oid, lanowner, NULL FROM pg_language
    UNION ALL SELECT 'pg_largeobject'::regclass, oid, lomowner, NULL FROM pg_largeobject_metadata
),
objects (classid, objid, owner, schema) AS (
    SELECT owned.* FROM owned LEFT JOIN pg_namespace n ON n.oid = owned.schema
    -- FirstNormalObjectId: what initdb creates comes before. Users number large objects as they like.
    WHERE (owned.objid >= 16384 OR owned.classid = 'pg_largeobject'::regclass)
        AND (owned.schema IS NULL OR n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(temp|toast_temp)_')
        AND NOT (owned.classid = 'pg_namespace'::regclass AND EXISTS (
            SELECT FROM pg_namespace s WHERE s.oid = owned.objid AND (s.nspname ~ '^pg_' OR s.nspname = 'information_schema')))
        AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = owned.classid AND d.objid = owned.objid
                -- i: what comes and goes with another object, as the functions of a range type and the sequence of an identity column do.
                -- A partitioned table depends on columns of itself.
                AND d.deptype IN ('e', 'i') AND (d.refclassid, d.refobjid) <> (d.classid, d.objid))
)
