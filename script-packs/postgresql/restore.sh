#!/usr/bin/env bash
# Restores the dump on standard input. Two modes: "swap" restores into a new database and puts it in the place of the live one at
# the end; "in-place" replaces the content of the live one in a single transaction. In both the live database is complete at every
# moment, and nothing of the dump is executed with more rights than those whom its objects belong to. README.md has the details.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/archive.sh"
. "$PACK/lib/blockers.sh"
. "$PACK/lib/previous-databases.sh"
. "$PACK/lib/restore-plan.sh"
. "$PACK/lib/extensions.sh"
. "$PACK/lib/swap.sh"
. "$PACK/lib/in-place.sh"
. "$PACK/lib/globals.sh"

look_at_accounts
remember_administrator
if ! read_archive_head; then
    if is_globals_dump; then
        restore_globals
        exit 0
    fi
    fail "this is neither an archive of pg_dump nor the output of pg_dumpall --globals-only"
fi
plan_restore
say "restoring into $BACKUP_DATABASE on server version $SERVER_MAJOR with pg_restore $TOOLS_MAJOR, mode $MODE, with the rights of: $(restoring_roles)"
case $MODE in
swap) restore_by_swap ;;
in-place) restore_in_place ;;
esac
