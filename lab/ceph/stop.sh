#!/usr/bin/env bash
# stop.sh - stops the Ceph that start.sh started, by pid. "stop.sh --wipe" then removes the state folder.
# Only pids from $LAB_CEPH_STATE/run are touched, and only while their command line names that folder (so a recycled pid
# is safe).
set -euo pipefail
STATE=${LAB_CEPH_STATE:?is not set: the folder that start.sh created}
[ -d "$STATE" ] || { echo "ceph-lab: nothing ran in $STATE"; exit 0; }
STATE=$(cd "$STATE" && pwd -P)
ours() { { tr "\0" " " <"/proc/$1/cmdline" | grep -qF -- "$STATE/"; } 2>/dev/null; }

outcome="nothing ran in $STATE"
# In this order: each needs those after it to stop in good order.
for daemon in rgw osd mon; do
    pid=$(cat "$STATE/run/$daemon.pid" 2>/dev/null) || continue
    ours "$pid" || continue
    outcome="stopped"
    kill -TERM "$pid" 2>/dev/null || true
    for i in $(seq 100); do
        ours "$pid" || break
        [ "$i" -lt 50 ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.1
    done
    ! ours "$pid" || { echo "ceph-lab: $daemon is still running: $pid" >&2; exit 1; }
done
rm -f "$STATE"/run/*.pid "$STATE/env.json"
if [ "${1:-}" = --wipe ]; then
    [ -e "$STATE/ceph.conf" ] || { echo "ceph-lab: $STATE is no state folder of Ceph" >&2; exit 1; }
    rm -rf -- "$STATE"
    outcome="$outcome; what it stored is removed"
fi
echo "ceph-lab: $outcome"
