# shellcheck shell=bash
# What a server is in a cluster.

# read_standby_state ACCOUNT DATABASE: sets IS_STANDBY, IS_CONNECTED, LAG_SECONDS and REPLAYED_AT. A standby that has replayed all that it
# has received is not behind, however long ago that was.
read_standby_state() {
    local state
    state=$(query "$1" "$2" "
        SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL),
            CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
                ELSE coalesce(ceil(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())), 0) END::bigint,
            coalesce(to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '?')")
    IFS=$'\t' read -r IS_STANDBY IS_CONNECTED LAG_SECONDS REPLAYED_AT <<<"$state"
}

# Whether the database has tables that a standby does not have the rows of. The item of the roles has none.
has_unlogged_tables() {
    local each
    for each in main ${SECOND_ACCOUNT:+second}; do
        can_connect "$each" "$BACKUP_DATABASE" || continue
        [ "$(query "$each" "$BACKUP_DATABASE" "SELECT count(*) FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'S')")" != 0 ]
        return
    done
    return 1
}
