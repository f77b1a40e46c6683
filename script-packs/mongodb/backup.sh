#!/usr/bin/env bash
# Writes an archive of mongodump to standard output, and a trailer that proves that it is whole.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
use_reading_account
before=$(counts)
[ -n "$before" ] || fail "the collections cannot be counted"

options=()
if [ "$BACKUP_DATABASE" = "$WHOLE" ]; then
    options+=(--oplog)
else
    options+=(--db="$BACKUP_DATABASE")
    if [ "${BACKUP_PARAMETER_USERS_AND_ROLES:-false}" = true ]; then options+=(--dumpDbUsersAndRoles); fi
fi
log=$BACKUP_DIRECTORY/log
status=0
mongodump "${CONNECTION[@]}" "${options[@]}" --archive 2>"$log" || status=$?
tail -n 50 "$log" >&2
[ "$status" = 0 ] || fail "mongodump failed with $status"
if grep -qiE '(^|[[:space:]])(Failed|error):|skipping' "$log"; then fail "mongodump ended with 0 in spite of an error"; fi

read -r collections indexes <<<"$before"
[ "$(counts)" = "$before" ] || { say "collections or indexes were created or dropped while the database was dumped"; exit 75; }
# After the archive, which ends where it likes.
printf '%s archive %20d %20d\n' "$TRAILER" "$collections" "$indexes"
printf '{"database":%s,"collections":%d,"indexes":%d}\n' "$(json "$BACKUP_DATABASE")" "$collections" "$indexes" >"$BACKUP_METADATA"
