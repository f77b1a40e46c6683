#!/usr/bin/env bash
# Proves that the restored database works: it lets an account of the instance in, has what the dump has, has no invalid index, and every
# table can be read. Nothing that the dump says is executed: no view, no policy.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/archive.sh"

if [ ! -e "$BACKUP_DIRECTORY/restored.list" ]; then
    say "roles have nothing that could be read"
    exit 0
fi
recall_administrator
errors=$BACKUP_DIRECTORY/errors found=$BACKUP_DIRECTORY/verified
# The first account that is let in reads.
for each in "$ADMIN" main ${SECOND_ACCOUNT:+second}; do
    status=0
    sql "$each" "$BACKUP_DATABASE" --command="SELECT 'connected'" --file="$PACK/sql/verify.sql" --file="$PACK/sql/read-tables.sql" \
        >"$found" 2>"$errors" </dev/null || status=$?
    [ ! -s "$found" ] || break
done
if [ ! -s "$found" ]; then
    warn not-verified "No account of the instance may connect to the restored database, so that its tables were not read."
    exit 0
fi
counts=$(sed -n 2p "$found")
[ -n "$counts" ] || fail_with "$errors" "the restored database is not whole"
IFS=$'\t' read -r tables views routines <<<"$counts"
read -r wanted_tables wanted_views wanted_routines <<<"$(dump_counts)"
# Others' objects stay in mode in-place.
if [ "$tables" -lt "$wanted_tables" ] || [ "$views" -lt "$wanted_views" ] || [ "$routines" -lt "$wanted_routines" ]; then
    fail "the restored database has $tables tables, $views views, $routines routines, the dump $wanted_tables, $wanted_views and $wanted_routines"
fi
[ "$status" = 0 ] || fail_with "$errors" "a restored table cannot be read"
say "$tables tables, $views views, $routines routines are there, and every table can be read"
