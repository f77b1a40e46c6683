-- Prints the encoding of this database; whether the server is a standby, and if so, whether it is connected to its primary, how many seconds it
-- is behind and until when it has replayed; and its version. A standby that has replayed all that it has received is not behind, however
-- long ago that was.
SELECT current_setting('server_encoding'),
    pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
    CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
        ELSE coalesce(ceil(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())), 0) END::bigint,
    coalesce(to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '?'),
    current_setting('server_version_num');
