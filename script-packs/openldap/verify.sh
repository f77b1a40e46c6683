#!/usr/bin/env bash
# Proves that the server runs with what was restored.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/directory.sh"
find_database
. "$PACK/lib/exchange.sh"
tries=0
until has_open "$FILES/data.mdb"; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || fail "$SERVICE was started, but no process has the database open"
    sleep 0.5
done
found=$(dump "$CONFIG" | count_entries)
[ "$found" -gt 0 ] || fail "the database has no entries"
say "$SERVICE runs, and the database has $found entries"
