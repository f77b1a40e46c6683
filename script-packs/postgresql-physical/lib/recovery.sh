# shellcheck shell=bash
# Recovers restored files with a server that nobody can connect to, and opens every database.

find_programs() {
    local version
    version=$(as_owner cat "$FRESH/PG_VERSION") || fail "the backup has no cluster"
    [[ $version =~ ^[0-9]+$ ]] || fail "the backup has a cluster of an unknown version"
    PROGRAMS=/usr/lib/postgresql/$version/bin
    [ -x "$PROGRAMS/postgres" ] || PROGRAMS=$(dirname "$(command -v postgres || true)")
    [ -x "$PROGRAMS/postgres" ] && [[ $("$PROGRAMS/postgres" --version) == *" $version."* ]] ||
        fail "PostgreSQL $version is not installed on the machine of the agent, which the backup is of: apt-get install postgresql-$version"
}

# Settings on the command line win over those that the backup itself brings: it cannot load libraries or run commands with them. WAL of the
# new timeline is kept for the archiver of the real server, and nothing is archived before the restore is accepted.
settings() {
    printf '%s\n' listen_addresses= unix_socket_directories=. unix_socket_permissions=0700 port=5432 \
        archive_mode=on archive_command= archive_library= archive_cleanup_command= recovery_end_command= \
        hot_standby=off max_prepared_transactions=10000 shared_preload_libraries= session_preload_libraries= local_preload_libraries= \
        ssl=off logging_collector=off log_destination=stderr autovacuum=off event_source=osb \
        huge_pages=off shared_buffers=64MB "config_file=$EMPTY" "hba_file=$HBA" "ident_file=$EMPTY" "external_pid_file=$FRESH/osb.pid"
    # A later restore may have begun a timeline that does not contain this backup.
    [ -n "${BACKUP_PARAMETER_TARGET_TIME:-}" ] || echo recovery_target_timeline=current
}

# recover: returns when recovery has reached its target and the server was shut down
recover() {
    EMPTY=$FRESH/osb-empty.conf HBA=$FRESH/osb-hba.conf
    as_owner tee "$EMPTY" </dev/null
    echo 'local all all reject' | as_owner tee "$HBA" >/dev/null
    OPTIONS=()
    local setting
    while IFS= read -r setting; do
        # Settings that this version does not have are none that a backup of it could bring.
        if [[ $setting == archive_library=* ]] && [ "$(as_owner cat "$FRESH/PG_VERSION")" -lt 15 ]; then continue; fi
        OPTIONS+=(-c "$setting")
    done < <(settings)
    local log=$BACKUP_DIRECTORY/server.log
    as_owner "$PROGRAMS/postgres" -D "$FRESH" "${OPTIONS[@]}" >"$log" 2>&1 &
    local server=$!
    # A backup is of a cluster in production: only without the signal it is the recovered one.
    until as_owner test ! -e "$FRESH/recovery.signal" && as_owner "$PROGRAMS/pg_controldata" "$FRESH" | grep -qE '^Database cluster state: +in production$'; do
        kill -0 "$server" 2>/dev/null || { tail -n 30 "$log" >&2; fail "the restored cluster does not recover"; }
        sleep 0.2
    done
    as_owner "$PROGRAMS/pg_ctl" stop -D "$FRESH" -m fast -w -t 3600 >&2
    wait "$server" || { tail -n 30 "$log" >&2; fail "the restored cluster cannot be shut down"; }
    grep -E 'recovery stopp|selected new timeline|last completed transaction' "$log" >&2 || true
    as_owner test ! -e "$FRESH/recovery.signal" || fail "the restored cluster is still in recovery"
}

# single DATABASE: runs the statements on standard input without a server
single() { as_owner "$PROGRAMS/postgres" --single -D "$FRESH" "${OPTIONS[@]}" -c exit_on_error=on "$1"; }

open_databases() {
    local names name log=$BACKUP_DIRECTORY/single.log
    names=$(single template1 <<<"SELECT encode(convert_to(datname, 'UTF8'), 'hex') AS osb FROM pg_database WHERE datallowconn" 2>"$log" |
        sed -nE 's/^[[:space:]]*1: osb = "([0-9a-f]+)".*/\1/p') || { tail -n 20 "$log" >&2; fail "the restored cluster cannot be opened"; }
    [ -n "$names" ] || { tail -n 20 "$log" >&2; fail "the restored cluster has no database"; }
    for name in $names; do
        # shellcheck disable=SC2001 # every two characters
        name=$(printf %b "$(sed 's/../\\x&/g' <<<"$name")")
        single "$name" <<<'SELECT count(*) AS osb FROM pg_class, pg_attribute WHERE pg_class.oid = attrelid' 2>"$log" | grep -qE 'osb = "[1-9]' || {
            tail -n 20 "$log" >&2
            fail "the restored database $name cannot be opened"
        }
    done
    as_owner rm -f -- "$EMPTY" "$HBA"
}
