#!/usr/bin/env bash
# Runs one check of a restore drill: the statement on standard input, whose result it prints, or the comparison of all tables with the
# row counts that the backup recorded. A statement gets no more rights than the owner of the restored database has.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/accounts.sh"
. "$PACK/lib/checks.sh"

look_at_accounts
case $BACKUP_CHECK_KIND in
statement) run_statement ;;
row-counts) compare_row_counts ;;
*) fail "this pack knows no checks of the kind $BACKUP_CHECK_KIND" ;;
esac
