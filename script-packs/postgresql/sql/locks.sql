-- Prints how many locks one transaction takes that drops everything that :role owns here, how many more it takes to create it
-- again, how many the server has for all its transactions, how many of them are taken, and the divisor of the setting.
-- Dropping locks every object, whatever its kind; creating locks relations, and what is given an owner.
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects,
mine AS (SELECT * FROM objects WHERE pg_has_role(:'role', owner, 'USAGE')),
relations AS (SELECT c.oid, c.reltype, c.reltoastrelid FROM pg_class c WHERE c.oid IN (SELECT objid FROM mine WHERE classid = 'pg_class'::regclass)),
counts AS (
    SELECT (SELECT count(*) FROM mine) AS objects,
        (SELECT count(*) FROM pg_index i WHERE i.indrelid IN (SELECT oid FROM relations)) AS indexes,
        (SELECT 2 * count(*) FROM relations WHERE reltoastrelid <> 0) AS toast,
        (SELECT 2 * count(*) FROM relations WHERE reltype <> 0) + (SELECT count(*) FROM mine WHERE classid = 'pg_type'::regclass) AS types,
        (SELECT count(*) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relations)
            OR contypid IN (SELECT objid FROM mine WHERE classid = 'pg_type'::regclass)) AS constraints,
        (SELECT count(*) FROM pg_attrdef WHERE adrelid IN (SELECT oid FROM relations)) AS defaults,
        (SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relations)) AS triggers,
        (SELECT count(*) FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM relations)) AS rules,
        (SELECT count(*) FROM pg_policy WHERE polrelid IN (SELECT oid FROM relations)) AS policies
)
SELECT objects + indexes + toast + types + constraints + defaults + triggers + rules + policies,
    objects + indexes + toast,
    current_setting('max_locks_per_transaction')::bigint
        * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint),
    (SELECT count(*) FROM pg_locks WHERE NOT fastpath AND locktype NOT IN ('virtualxid', 'transactionid')),
    current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint
FROM counts;
