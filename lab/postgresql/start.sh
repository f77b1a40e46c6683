#!/usr/bin/env bash
# start.sh - a PostgreSQL of its own from Debian's binaries, on loopback with password authentication (SCRAM).
#
#   start.sh            start it if it does not run; exit 0 = ready
#   stop.sh             stop it; "stop.sh --wipe" also removes its data
#
# It has nothing to do with the cluster that Debian's package may have started on port 5432. PostgreSQL refuses to run
# as root; then it runs as `postgres`, or as `nobody` where there is no such user. If that user cannot reach the state
# folder (below /root, say), the data lies in the temporary folder; the file `data-folder` says where.
#
# What came of it is written to env.json in the state folder.
set -euo pipefail

STATE=${LAB_POSTGRESQL_STATE:?is not set: the folder that everything lives in}
PORT=${LAB_POSTGRESQL_PORT:-15432}
USERNAME=${LAB_POSTGRESQL_USERNAME:-lab}          # a superuser
PASSWORD=${LAB_POSTGRESQL_PASSWORD:-lab-secret}
WAIT=${LAB_WAIT:-120}
HOST=127.0.0.1

die() { echo "postgresql-lab: $*" >&2; exit 1; }

# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

mkdir -p "$STATE"
STATE=$(cd "$STATE" && pwd -P)
exec 9>"$STATE/lock"; flock -w "$WAIT" 9 || die "another start.sh holds $STATE/lock"

if [ -n "$OWNER" ]; then
    chown "$OWNER" "$STATE"
    if ! as_owner test -w "$STATE"; then
        reachable=${TMPDIR:-/tmp}/osb-lab-postgresql-$(printf %s "$STATE" | cksum | cut -d' ' -f1)
        # Another user's folder or link of that name is not used.
        if mkdir -m 700 "$reachable" 2>/dev/null; then chown "$OWNER" "$reachable"; fi
        [ "$(stat -c %U "$reachable")" = "$OWNER" ] && as_owner test -w "$reachable" ||
            die "user $OWNER can reach neither $STATE nor $reachable"
    fi
fi
DATA=${reachable:-$STATE}/data
echo "$DATA" >"$STATE/data-folder"

if ! is_running "$DATA"; then
    ! (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null || die "port $PORT is taken by something else; set LAB_POSTGRESQL_PORT"
    if ! [ -e "$DATA/PG_VERSION" ]; then
        rm -rf "$DATA"
        password_file=$STATE/password
        (umask 077; printf '%s\n' "$PASSWORD" >"$password_file"); [ -z "$OWNER" ] || chown "$OWNER" "$password_file"
        [ -z "${reachable:-}" ] || { mv "$password_file" "$reachable/"; password_file=$reachable/password; }
        as_owner "$BIN/initdb" --pgdata "$DATA" --username "$USERNAME" --pwfile "$password_file" \
            --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8 >"$STATE/initdb.log" 2>&1 ||
            die "initdb failed: $(tail -n 3 "$STATE/initdb.log")"
        rm -f "$password_file"
    fi
    as_owner "$BIN/pg_ctl" --pgdata "$DATA" --log "$DATA/server.log" --wait --timeout "$WAIT" --options \
        "-p $PORT -c listen_addresses=$HOST -c unix_socket_directories= -c max_connections=300 -c fsync=off -c full_page_writes=off -c jit=off" \
        start >"$STATE/start.log" 2>&1 </dev/null 9>&- ||
        die "it does not start: $(tail -n 3 "$DATA/server.log" "$STATE/start.log" 2>/dev/null)"
fi

PORT=$(sed -n 4p "$DATA/postmaster.pid")          # of the one that runs, whatever the settings say now
umask 077
cat >"$STATE/env.json" <<EOF
{ "url": "postgresql://$USERNAME:$PASSWORD@$HOST:$PORT/postgres", "host": "$HOST", "port": $PORT,
  "username": "$USERNAME", "password": "$PASSWORD", "bin": "$BIN" }
EOF
echo "postgresql-lab: ready on $HOST:$PORT, data and log in $DATA"
