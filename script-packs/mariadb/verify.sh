#!/usr/bin/env bash
# Proves that the database is there: every object of the backup exists, and every table and view can be read.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"

number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$BACKUP_METADATA"; }
if [ -s "$BACKUP_METADATA" ]; then
    expected="$(number tables) $(number sequences) $(number views) $(number triggers) $(number routines) $(number events)"
    found=$(object_counts)
    [ "$found" = "$expected" ] ||
        fail "the restored database has $found tables, sequences, views, triggers, routines and events; the backup had $expected"
fi
names=$(query "SELECT table_name FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL")
while IFS= read -r name; do
    [ -n "$name" ] || continue
    query "SELECT 1 FROM $SCHEMA.$(identifier "$name") LIMIT 1" >/dev/null
done <<<"$names"
say "every table and view can be read"
