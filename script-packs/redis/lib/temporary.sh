# shellcheck shell=bash
# A server of our own on the machine of the agent, which loads a dump and passes it on by replication.

# start_temporary DIRECTORY DATABASES ADDRESS: loads dump.rdb of the directory. Sets SOURCE_PORT and SOURCE_SECRET.
start_temporary() {
    local program version
    program=$(program server redis-server)
    version=$("$program" --version | sed -nE 's/.* v=([0-9]+\.[0-9]+).*/\1/p')
    [ "$(printf '%s\n6.2\n' "${version:-0}" | sort -V | head -n 1)" = 6.2 ] || fail "$program is older than 6.2, from which on it validates what it loads: install a newer one"
    SOURCE_SECRET=$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')
    local tries=0
    while :; do
        SOURCE_PORT=${BACKUP_PARAMETER_REPLICATION_PORT:-$((RANDOM % 20000 + 40000))}
        # The configuration goes through standard input: it has a password. A dump is data from outside, so all of it is validated.
        {
            printf 'bind %s\nport %s\ndir %s\nlogfile %s\ndatabases %s\n' "$3" "$SOURCE_PORT" "$(literal "$1")" "$(literal "$1/temporary.log")" "$2"
            printf 'requirepass %s\ndbfilename dump.rdb\nsave ""\nappendonly no\nmaxmemory 0\n' "$SOURCE_SECRET"
            printf 'sanitize-dump-payload yes\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\nclient-output-buffer-limit replica 0 0 0\n'
            # For DEBUG CHANGE-REPL-ID and its like; before version 7 they need no permission.
            case $version in 6.*) ;; *) printf 'enable-debug-command yes\nenable-module-command no\n' ;; esac
        } | "$program" - >"$1/temporary.out" 2>&1 &
        TEMPORARY=$!
        if await_temporary "$1"; then break; fi
        tries=$((tries + 1))
        if grep -qi 'address already in use' "$1/temporary.log" "$1/temporary.out" 2>/dev/null && [ "$tries" -lt 20 ] && [ -z "${BACKUP_PARAMETER_REPLICATION_PORT:-}" ]; then
            : >"$1/temporary.log"
            continue
        fi
        tail -n 5 "$1/temporary.log" "$1/temporary.out" >&2 2>/dev/null || true
        fail "the dump could not be loaded, or the temporary server could not start: nothing has changed. $program is of version $version"
    done
    # A server that loads a dump answers to the replication id in it. The target may be where that comes from, and would be told
    # to continue where it is instead of getting the data.
    source_server 'DEBUG CHANGE-REPL-ID' >/dev/null
}

# Whether the server has loaded its data; not if it has ended.
await_temporary() {
    while kill -0 "$TEMPORARY" 2>/dev/null; do
        if grep -q 'Ready to accept connections' "$1/temporary.log" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    return 1
}

# source_server COMMAND [OPTION...]: asks the temporary server, at CONTROL_HOST
source_server() {
    local PASSWORD=$SOURCE_SECRET CONNECTION=(-h "$CONTROL_HOST" -p "$SOURCE_PORT")
    ask "$@"
}

# Nothing may have files of the job open when the script ends.
stop_temporary() {
    [ -n "${TEMPORARY:-}" ] || return 0
    kill -KILL "$TEMPORARY" 2>/dev/null || true
    wait "$TEMPORARY" 2>/dev/null || true
    TEMPORARY=
}
