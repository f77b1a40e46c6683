# shellcheck shell=bash
# The server that is restored into: what it is like, and how to give it back its settings.

# What is changed on the target while it is a replica, and the commands that undo it. Their presence says that there is something to undo.
UNDO=$BACKUP_DIRECTORY/undo
SOURCE=$BACKUP_DIRECTORY/source

# require_restorable INFO
require_restorable() {
    require_single "$1"
    [ "$(field loading <<<"$1")" != 1 ] || fail_for_now "the server is loading its data"
    [ "$(field role <<<"$1")" = master ] ||
        fail "the server is a replica of $(field master_host <<<"$1"): restore into its primary, from which replicas get the data"
    if [ "$(total_keys <<<"$1")" != 0 ] || [ "$(field number_of_libraries <<<"$1")" -gt 0 ] 2>/dev/null; then
        [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
            fail "the server is not empty: restore into an empty one, or set the parameter replace to replace its content"
    fi
}

# target_setting NAME: its value, quoted as the client prints and reads it; empty where the server has no such setting
target_setting() { ask "CONFIG GET $1" --no-raw | sed -n 's/^2) //p'; }

# replicate_from HOST PORT SECRET: after this, the target takes its data from there
replicate_from() {
    local name value
    for name in masterauth masteruser repl-diskless-load; do
        value=$(target_setting "$name")
        [ -z "$value" ] || printf 'CONFIG SET %s %s\n' "$name" "$value"
    done >"$UNDO.new"
    grep -q masterauth "$UNDO.new" || fail "the server does not tell its settings: the account needs CONFIG GET and CONFIG SET"
    printf '%s %s\n' "$1" "$2" >"$SOURCE"
    mv -- "$UNDO.new" "$UNDO"
    # Received to the end before anything of the old data is removed.
    ask 'CONFIG SET repl-diskless-load disabled' >/dev/null
    ask 'CONFIG SET masteruser ""' >/dev/null
    ask "CONFIG SET masterauth $3" >/dev/null
    ask "REPLICAOF $1 $2" >/dev/null
}

# Makes the target a primary again, with the settings that it had. May run at any time, any number of times.
release_target() {
    [ -s "$UNDO" ] || return 0
    local info host port command
    info=$(ask INFO)
    [ "$(field loading <<<"$info")" != 1 ] || fail_for_now "the server is loading its data: it is made a primary again when that is done"
    read -r host port <"$SOURCE"
    if [ "$(field role <<<"$info")" = slave ] && [ "$(field master_host <<<"$info")" = "$host" ] && [ "$(field master_port <<<"$info")" = "$port" ]; then
        ask 'REPLICAOF NO ONE' >/dev/null
    fi
    while IFS= read -r command; do ask "$command" >/dev/null; done <"$UNDO"
    rm -f -- "$UNDO" "$SOURCE"
}

# await_target INFO_OF_SOURCE: until the target has the data of the temporary server
await_target() {
    local info source begun=$SECONDS
    while :; do
        kill -0 "$TEMPORARY" 2>/dev/null || fail "the temporary server ended: $(tail -n 3 "$BACKUP_DIRECTORY/temporary.log")"
        info=$(ask INFO)
        [ "$(field run_id <<<"$info")" = "$RUN_ID" ] || fail_for_now "the server was restarted during the restore"
        [ "$(field role <<<"$info")" = slave ] && [ "$(field master_port <<<"$info")" = "$SOURCE_PORT" ] || fail_for_now "somebody else ended the replication during the restore"
        source=$(source_server INFO)
        if [ "$(field master_link_status <<<"$info")" = up ] && [ "$(field loading <<<"$info")" = 0 ] && [ "$(field sync_full <<<"$source")" -ge 1 ]; then break; fi
        [ "$(field sync_full <<<"$source")" -le 3 ] || fail "the server got the data three times and did not accept it: see its log, its disk may be full"
        [ "$(field sync_full <<<"$source")" != 0 ] || [ $((SECONDS - begun)) -lt 60 ] ||
            fail "the server does not reach the machine of the agent at $SOURCE_HOST, port $SOURCE_PORT: see its log, and the parameters replication_address and replication_port"
        sleep 0.25
    done
}

# Until what the target has in memory is on its disk, in the files that it starts with.
await_persistence() {
    local info saves=$1
    info=$(ask INFO)
    if [ "$(field aof_enabled <<<"$info")" != 1 ]; then
        [ -n "$saves" ] && [ "$saves" != '""' ] || return 0
        until attempt BGSAVE >/dev/null; do
            [[ $REASON == *'in progress'* ]] || fail "the data is restored in memory, but the server cannot save it: $REASON"
            sleep 0.25
        done
    fi
    while :; do
        info=$(ask INFO)
        if [ "$(field rdb_bgsave_in_progress <<<"$info")$(field aof_rewrite_in_progress <<<"$info")$(field aof_rewrite_scheduled <<<"$info")" = 000 ]; then break; fi
        sleep 0.25
    done
    require_persisted "$info"
}

# require_persisted INFO
require_persisted() {
    if [ "$(field aof_enabled <<<"$1")" = 1 ]; then
        [ "$(field aof_last_bgrewrite_status <<<"$1")$(field aof_last_write_status <<<"$1")" = okok ] || fail "the data is restored in memory, but the server cannot write its append-only file: see its log"
    else
        [ "$(field rdb_last_bgsave_status <<<"$1")" = ok ] || fail "the data is restored in memory, but the server cannot save it: see its log"
    fi
}
