#!/usr/bin/env bash
# Writes the database to standard output, in pg_dump's custom format, large objects included. Not compressed: the
# agent compresses better and faster, and only if the plan says so.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/standby.sh"
. "$PACK/lib/backup-account.sh"
. "$PACK/lib/blockers.sh"
. "$PACK/lib/row-counts.sh"
errors=$BACKUP_DIRECTORY/errors

if is_globals_item; then
    choose_globals_account
    PGDATABASE=$MAINTENANCE_DATABASE as "$ACCOUNT" pg_dumpall --globals-only --no-password --database="$(dbname_of "$MAINTENANCE_DATABASE")" \
        2>"$errors" || fail_with "$errors" "pg_dumpall failed"
    cat "$errors" >&2
    exit 0
fi

recall_backup_account
sql "$ACCOUNT" "$BACKUP_DATABASE" --file="$PACK/sql/metadata.sql" >"$BACKUP_METADATA"
options=(--format=custom --compress=0 --no-password --encoding="$ENCODING" --lock-wait-timeout="${LOCK_TIMEOUT}s")
# The passwords of subscriptions, and a second subscriber, are not wanted anywhere.
options+=(--no-subscriptions)
if [ "$COUNT_ROWS" = true ]; then
    count_rows "$ACCOUNT"
    options+=(--snapshot="$SNAPSHOT")
fi

watch_blockers "$ACCOUNT" "$BACKUP_DATABASE"
PGDATABASE=$BACKUP_DATABASE as "$ACCOUNT" pg_dump "${options[@]}" 2>"$errors" || {
    report_blockers "$errors"
    if grep -q 'due to conflict with recovery' "$errors"; then
        (fail_with "$errors" "the standby needed rows that the dump was reading: set hot_standby_feedback to on, or raise max_standby_streaming_delay. pg_dump failed") || exit 75
    fi
    fail_with "$errors" "pg_dump failed"
}
cat "$errors" >&2
stop_counting
