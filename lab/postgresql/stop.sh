#!/usr/bin/env bash
# stop.sh - stops the PostgreSQL that start.sh started. "stop.sh --wipe" then removes its data.
set -euo pipefail
STATE=${LAB_POSTGRESQL_STATE:?is not set: the folder that start.sh created}
die() { echo "postgresql-lab: $*" >&2; exit 1; }
[ -e "$STATE/data-folder" ] || { echo "postgresql-lab: nothing ran in $STATE"; exit 0; }
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
STATE=$(cd "$STATE" && pwd -P)
DATA=$(cat "$STATE/data-folder")

outcome="nothing ran in $STATE"
if is_running "$DATA"; then
    as_owner "$BIN/pg_ctl" --pgdata "$DATA" --mode fast --wait --timeout 60 stop >/dev/null || die "it does not stop: see $DATA/server.log"
    outcome="stopped"
fi
rm -f "$STATE/env.json"
if [ "${1:-}" = --wipe ]; then
    rm -rf -- "$DATA" "$STATE"
    case $(dirname "$DATA") in */osb-lab-postgresql-*) rmdir -- "$(dirname "$DATA")" ;; esac
    outcome="$outcome; what it stored is removed"
fi
echo "postgresql-lab: $outcome"
