# shellcheck shell=bash
# Watches, while another program of ours runs, which sessions it waits for: when its lock timeout has ended the wait, it is too
# late to ask.

BLOCKERS=$BACKUP_DIRECTORY/blockers

# watch_blockers ACCOUNT DATABASE [terminate]: keeps the last sessions that held one of ours up in a file, and ends them if requested.
watch_blockers() {
    : >"$BLOCKERS"
    # Its output is not the script's: a dump that is stored must not wait for it.
    blockers_loop "$@" >/dev/null 2>&1 </dev/null &
    BLOCKERS_WATCHER=$!
    trap 'kill "$BLOCKERS_WATCHER" 2>/dev/null || true' EXIT
}

blockers_loop() {
    local account=$1 database=$2 terminate=${3:-} found
    while sleep 1; do
        found=$(sql "$account" "$database" --set=terminate="${terminate:-false}" --file="$PACK/sql/blockers.sql") || continue
        [ -z "$found" ] || printf '%s\n' "$found" >"$BLOCKERS"
    done
}

stop_watching_blockers() {
    kill "$BLOCKERS_WATCHER" 2>/dev/null || true
    wait "$BLOCKERS_WATCHER" 2>/dev/null || true
    trap - EXIT
}

# report_blockers FILE: if a lock timeout is what the program's errors say, fails and names the sessions that were in the way.
report_blockers() {
    stop_watching_blockers
    grep -qE 'canceling statement due to (lock|statement) timeout' "$1" || return 0
    cat "$1" >&2
    fail "waited $LOCK_TIMEOUT s for a lock (parameter lock_timeout_seconds), held by: $(head -n 5 "$BLOCKERS" | paste -sd ';' | sed 's/;/; /g')"
}
