# shellcheck shell=bash
# What a server is, also in a cluster.

# try_facts ACCOUNT DATABASE: sets ENCODING, IS_STANDBY, IS_CONNECTED, LAG_SECONDS and REPLAYED_AT, and the server's version.
try_facts() {
    local version
    try_query "$1" "$2" --file="$PACK/sql/facts.sql" || return 1
    IFS=$'\t' read -r ENCODING IS_STANDBY IS_CONNECTED LAG_SECONDS REPLAYED_AT version <<<"${said##*$'\n'}"
    set_server_version "$version"
}

# The same; fails where the account cannot use the database.
read_facts() {
    ! try_facts "$@" || return 0
    require_connection "$@"
    try_facts "$@" || fail "$said"
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
