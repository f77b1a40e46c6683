#!/usr/bin/env bash
# Prints the databases that the accounts of the instance can back up, and the item of the roles where one of them is a superuser.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
BACKUP_DATABASE=$MAINTENANCE_DATABASE
. "$PACK/lib/connection.sh"

found=$BACKUP_DIRECTORY/found
: >"$found"
denied=
for account in main ${SECOND_ACCOUNT:+second}; do
    if ! try_query "$account" "$MAINTENANCE_DATABASE" --command='SHOW server_version_num'; then
        # Whatever may be over in a moment would shorten the list.
        [[ $said == *"permission denied for database"* ]] || require_connection "$account" "$MAINTENANCE_DATABASE"
        denied+="$(user_of "$account") may not connect to $MAINTENANCE_DATABASE. "
        continue
    fi
    set_server_version "${said##*$'\n'}"
    sql "$account" "$MAINTENANCE_DATABASE" --set=globals="$GLOBALS_ITEM" --file="$PACK/sql/list-items.sql" >>"$found" 2>"$BACKUP_DIRECTORY/errors" ||
        fail_with "$BACKUP_DIRECTORY/errors" "the databases could not be listed"
done
[ -n "$SERVER_VERSION" ] || fail "$denied""Let one of the accounts in: GRANT CONNECT ON DATABASE"
if grep -q '^invalid' "$found"; then
    fail "the name of a database contains a control character: it can be no item, rename it"
fi
sed -n $'s/^item\t//p' "$found" | sort -u
