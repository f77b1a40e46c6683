#!/usr/bin/env bash
# Removes what a restore that failed, or was killed, left on the server: the half-restored copy and the temporary role. After a
# restore that succeeded there is nothing left to do. May run any number of times.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/previous-databases.sh"

look_at_accounts
# Also where nothing was created: a session of a killed restore in place would go on.
end_sessions_of_job
if $STAGING_EXISTS; then
    say "dropping the half-restored database $STAGING_DATABASE"
    drop_database "$ADMIN" "$STAGING_DATABASE"
fi
if $TEMPORARY_ROLE_EXISTS; then
    say "dropping the temporary role $TEMPORARY_ROLE"
    drop_temporary_role
fi
# Of a check that was killed.
if [ -e "$BACKUP_DIRECTORY/checking-role" ] &&
    [ "$(query "$ADMIN" "$HOME_DATABASE" "SELECT count(*) FROM pg_roles WHERE rolname = :'role'" --set=role="$CHECKING_ROLE")" = 1 ]; then
    TEMPORARY_ROLE=$CHECKING_ROLE
    drop_temporary_role
fi
drop_expired_databases "$ADMIN" main ${SECOND_ACCOUNT:+second}
