-- Prints how many tables, views and routines there are in the restored database, without those of extensions. Fails if an index is invalid.
\set objects `cat "$PACK/sql/objects.sql"`
SELECT 1 / (count(*) = 0)::int FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.oid >= 16384 \g /dev/null
WITH :objects
SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p')), count(*) FILTER (WHERE c.relkind = 'v'), count(*) FILTER (WHERE classid = 'pg_proc'::regclass)
FROM objects LEFT JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid;
