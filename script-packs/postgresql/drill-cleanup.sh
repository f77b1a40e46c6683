#!/usr/bin/env bash
# Drops the database that a restore drill has created. It drops none that has another name than those, whoever asks. May run any number of times.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/previous-databases.sh"

[[ $BACKUP_DATABASE == osb_drill_* ]] || fail "the database $BACKUP_DATABASE was not created by a drill, and is not dropped"
look_at_accounts
end_sessions_of_job
$TARGET_EXISTS || exit 0
errors=$BACKUP_DIRECTORY/errors
for account in "$ADMIN" main ${SECOND_ACCOUNT:+second}; do
    [ -n "${IS_SUPERUSER[$account]:-}" ] || continue
    drop_database "$account" "$BACKUP_DATABASE" >/dev/null 2>"$errors" || cat "$errors" >&2
    if ! database_exists "$ADMIN" "$HOME_DATABASE" "$BACKUP_DATABASE"; then
        say "dropped the database $BACKUP_DATABASE"
        exit 0
    fi
done
fail_with "$errors" "the database $BACKUP_DATABASE of the drill could not be dropped"
