-- Prints the databases that concern the current account, as lines "item<TAB>name": all, for one that may read everything; otherwise
-- those that it has the owner's rights in, or was granted CONNECT to itself. That PUBLIC may connect says nothing: it may by default.
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects,
me AS (
    SELECT rolsuper, rolsuper OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'pg_read_all_data' AND pg_has_role(r.oid, 'USAGE')) AS reads_all
    FROM pg_roles WHERE rolname = current_user
),
item (name) AS (
    SELECT d.datname::text FROM pg_database d, me
    WHERE d.datallowconn AND NOT d.datistemplate
        AND (reads_all OR pg_has_role(d.datdba, 'USAGE') OR EXISTS (
            SELECT FROM aclexplode(d.datacl) a WHERE a.privilege_type = 'CONNECT' AND a.grantee <> 0 AND pg_has_role(a.grantee, 'USAGE')))
        -- What restores keep, or are about to put in the place of another one.
        AND NOT (d.datname ~ '^osb_restore_|_before_[0-9_]+$' AND coalesce(shobj_description(d.oid, 'pg_database'), '') ~ '^osb-backup: [{].*[}]$')
        -- The database that every server has, as long as there is nothing in it.
        AND NOT (d.datname = 'postgres' AND d.datname = current_database() AND NOT EXISTS (SELECT FROM objects))
    UNION SELECT :'globals' FROM me WHERE rolsuper
)
SELECT CASE WHEN name ~ '[[:cntrl:]]' THEN 'invalid' ELSE 'item' END, CASE WHEN name ~ '[[:cntrl:]]' THEN '' ELSE name END FROM item;
