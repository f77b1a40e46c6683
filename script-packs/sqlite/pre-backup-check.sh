#!/usr/bin/env bash
# Fails early where a copy would fail late.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
require_file
[ -f "$FILE" ] || fail "there is no file $FILE"
is_database "$FILE" || fail "$FILE is no SQLite database, or is encrypted"
[ -r "$FILE" ] && [ -w "$FILE" ] && [ -w "$ROOT" ] || fail "the agent's scripts may not write to $FILE and its directory, which SQLite needs to read a database in use: run them under the account of the application (script_user)"
size=$(stat -c %s -- "$FILE")
if [ -e "$FILE-wal" ]; then size=$((size + $(stat -c %s -- "$FILE-wal"))); fi
free=$(df --output=avail -B1 -- "$BACKUP_DIRECTORY" | tail -n 1)
[ "$free" -gt "$size" ] || fail "the copy needs $size bytes in $BACKUP_DIRECTORY, which has $free"
echo "expectedSizeBytes=$size"
