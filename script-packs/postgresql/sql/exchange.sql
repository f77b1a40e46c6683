-- Puts the database :name in the place of :target, in one transaction: no session sees neither or both. The previous one stays as :previous,
-- with a comment that says what it is and until when.
\set metadata `cat "$BACKUP_METADATA"`
BEGIN;
SELECT format('ALTER DATABASE %I RENAME TO %I', :'target', :'previous') WHERE EXISTS (SELECT FROM pg_database WHERE datname = :'target') \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'previous', 'osb-backup: '::text || jsonb_build_object('previous', :'target', 'job', :'job', 'replacedAt', now(),
    'keepUntil', now() + :'keep_hours' * interval '1 hour', 'comment', shobj_description(oid, 'pg_database')))
FROM pg_database WHERE datname = :'previous' \gexec
SELECT format('ALTER DATABASE %I RENAME TO %I', :'name', :'target') \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'target', :'metadata'::jsonb #>> '{database,comment}') \gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'target', coalesce(
    (:'metadata'::jsonb #>> '{database,connectionLimit}')::int, (SELECT datconnlimit FROM pg_database WHERE datname = :'previous'), -1)) \gexec
COMMIT;
