#!/usr/bin/env bash
# Puts the database that the last restore in mode swap replaced back in its place. Not a stage of a job: run it by hand, with the
# variables of README.md. The database that the restore had created is kept as long as the previous one was to be.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
BACKUP_DIRECTORY=$(mktemp -d)
trap 'rm -rf "$BACKUP_DIRECTORY"' EXIT
export BACKUP_DIRECTORY BACKUP_JOB_ID=${BACKUP_JOB_ID:-undo-$$} BACKUP_METADATA=$BACKUP_DIRECTORY/metadata
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/archive.sh"
. "$PACK/lib/previous-databases.sh"
. "$PACK/lib/swap.sh"

look_at_accounts
previous=$(query "$ADMIN" "$HOME_DATABASE" "
    SELECT datname FROM (SELECT datname, substr(shobj_description(oid, 'pg_database'), 13)::jsonb AS note FROM pg_database
        WHERE shobj_description(oid, 'pg_database') ~ '^osb-backup: [{].*[}]\$') marked
    WHERE note ->> 'previous' = :'target' ORDER BY note ->> 'replacedAt' DESC LIMIT 1" --set=target="$BACKUP_DATABASE")
[ -n "$previous" ] || fail "there is no previous database of $BACKUP_DATABASE: its time was over, or no restore in mode swap replaced it"
# Its comment and connection limit come back with it.
query "$ADMIN" "$HOME_DATABASE" "SELECT jsonb_build_object('database', jsonb_build_object('comment', substr(shobj_description(oid, 'pg_database'), 13)::jsonb -> 'comment',
    'connectionLimit', datconnlimit)) FROM pg_database WHERE datname = :'previous'" --set=previous="$previous" >"$BACKUP_METADATA"
STAGING_DATABASE=$previous
TARGET_EXISTS=true
exchange_databases
