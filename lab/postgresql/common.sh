# shellcheck shell=bash
# common.sh - read by start.sh and stop.sh: whom PostgreSQL runs as, where its programs are, whether it runs.

# shellcheck disable=SC2012
BIN=${LAB_POSTGRESQL_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
[ -x "$BIN/pg_ctl" ] || die "PostgreSQL is missing: apt-get install postgresql"

OWNER=
if [ "$(id -u)" = 0 ]; then
    OWNER=postgres; id -u "$OWNER" >/dev/null 2>&1 || OWNER=nobody
fi

# as_owner CMD...: as the user that the server runs as, from a folder that this user can be in
as_owner() {
    if [ -n "$OWNER" ]; then
        (cd / && exec setpriv --reuid "$OWNER" --regid "$(id -g "$OWNER")" --clear-groups "$@")
    else
        "$@"
    fi
}

is_running() { [ -e "$1/postmaster.pid" ] && as_owner "$BIN/pg_ctl" --pgdata "$1" status >/dev/null 2>&1; }
