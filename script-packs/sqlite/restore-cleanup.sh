#!/usr/bin/env bash
# Whatever became of the restore: gives back journals that were moved aside if no new file took the database's place, rolls back a
# transaction that was interrupted, and removes what is left over.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
if [ -d "$OLD" ]; then
    if [ -e "$OLD/database" ] && [ "$OLD/database" -ef "$FILE" ] || [ ! -e "$OLD/database" ] && [ ! -e "$FILE" ]; then
        for each in -wal -shm -journal; do
            if [ -e "$OLD/$each" ]; then mv -- "$OLD/$each" "$FILE$each"; fi
        done
    fi
    rm -rf -- "$OLD"
fi
rm -f -- "$FRESH"
if [ -f "$FILE" ] && [ ! -L "$FILE" ] && is_database "$FILE"; then
    statement='SELECT count(*) FROM sqlite_schema'
    if [ -e "$HAD_LOG" ]; then statement='PRAGMA journal_mode=WAL'; fi
    if [ -e "$HAD_LOG" ] || [ -s "$FILE-journal" ]; then
        sqlite "$FILE" "$statement" >/dev/null || say "others have the database locked: the next one that opens it rolls back what was interrupted"
    fi
fi
