#!/usr/bin/env bash
# Copies the database as of one moment, checks the copy, and writes it to standard output. A file copied while it is in use lacks what
# is in its write-ahead log, or is torn.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
require_file
[ -f "$FILE" ] || fail "there is no file $FILE"
is_database "$FILE" || fail "$FILE is no SQLite database, or is encrypted"

# Within a read transaction a copy does not begin again whenever somebody writes.
errors=$BACKUP_DIRECTORY/errors
if ! sqlite "$FILE" >/dev/null 2>"$errors" <<'SQL'; then
BEGIN;
SELECT count(*) FROM sqlite_schema;
.backup main copy.db
COMMIT;
SQL
    cat "$errors" >&2
    ! grep -qiE 'locked|busy' "$errors" || fail_for_now "others have the database locked for longer than ${BACKUP_PARAMETER_BUSY_TIMEOUT_SECONDS:-60} seconds"
    fail "the database cannot be copied"
fi
[ -s "$BACKUP_DIRECTORY/copy.db" ] || fail "the copy is empty, although the client reported no error: $(cat "$errors")"
check_copy "$BACKUP_DIRECTORY/copy.db"
printf '{"mode":"%s"}\n' "$(stat -c %a -- "$FILE")" >"$BACKUP_METADATA"
cat -- "$BACKUP_DIRECTORY/copy.db"
