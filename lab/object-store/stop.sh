#!/usr/bin/env bash
# stop.sh - stops what start.sh started, by pid. "stop.sh --wipe" then removes the state folder.
# Only pids from $LAB_OBJECT_STORE_STATE/run are touched, and only while their command line
# names that folder (so a recycled pid is safe).
set -euo pipefail
STATE=${LAB_OBJECT_STORE_STATE:?is not set: the folder that start.sh created}
[ -d "$STATE" ] || { echo "object-store-lab: nothing ran in $STATE"; exit 0; }
STATE=$(cd "$STATE" && pwd -P)
ours() { { tr "\0" " " <"/proc/$1/cmdline" | grep -qF -- "$STATE/"; } 2>/dev/null; }

pids=
for s in proxy-tls proxy object container account identity memcached; do
    pid=$(cat "$STATE/run/$s.pid" 2>/dev/null) || continue
    # the whole process group: each server was started with setsid, so group id = pid
    if ours "$pid"; then kill -TERM -- "-$pid" 2>/dev/null || true; pids="$pids $pid"; fi
done
for i in $(seq 100); do
    left=
    for pid in $pids; do if ours "$pid"; then left="$left $pid"; fi; done
    [ -n "$left" ] || break
    [ "$i" -lt 80 ] || for pid in $left; do kill -KILL -- "-$pid" 2>/dev/null || true; done
    sleep 0.1
done
[ -z "$left" ] || { echo "object-store-lab: still running:$left" >&2; exit 1; }
outcome="stopped"; [ -n "$pids" ] || outcome="nothing ran in $STATE"
rm -f "$STATE"/run/*.pid "$STATE"/env.json "$STATE"/env.sh
if [ "${1:-}" = --wipe ]; then
    [ -e "$STATE/conf/swift.conf" ] || { echo "object-store-lab: $STATE is no state folder of the object store" >&2; exit 1; }
    rm -rf -- "$STATE"
    outcome="$outcome; what it stored is removed"
fi
echo "object-store-lab: $outcome"
