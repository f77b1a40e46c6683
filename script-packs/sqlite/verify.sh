#!/usr/bin/env bash
# Proves that the database can be read in its place, with everything in it.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
pragma=integrity_check
case ${BACKUP_PARAMETER_INTEGRITY_CHECK:-full} in quick) pragma=quick_check ;; none) pragma=schema_version ;; esac
found=$(sqlite -safe "$FILE" "PRAGMA $pragma") || fail "the restored database cannot be read: $found"
[ "$found" = ok ] || [ "$pragma" = schema_version ] || fail "the restored database is damaged: ${found:0:1000}"
say "the database is whole: $(sqlite -safe "$FILE" 'SELECT count(*) FROM sqlite_schema') tables, indexes, views and triggers"
