#!/usr/bin/env bash
# Restores the dump on standard input: under a temporary name first, to prove it, and only then in the place of the live database, of which
# a copy is kept until `verify` was content.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/unpack.sh"
. "$PACK/lib/former.sh"
require_item
require_rpc
exists=false
if has_database "$BACKUP_DATABASE"; then
    exists=true
    [ "$(series_of "$BACKUP_DATABASE")" = 0 ] || [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
        fail "the database $BACKUP_DATABASE has data: restore under another name, or set the parameter replace"
fi

copy=$BACKUP_DIRECTORY/copy
unpack "$copy"
: >"$BACKUP_DIRECTORY/begun"
import "$copy" "$SOURCE" "$TEMPORARY"
expected=$(jq '.series' "$copy/$TRAILER")
found=$(series_of "$TEMPORARY")
[ "$expected" = null ] || [ "$expected" = "$found" ] || fail "the restored database has $found series; the backup had $expected"
fields=$(jq -r '.fields // ""' "$copy/$TRAILER")
[ -z "$fields" ] || [ "$fields" = "$(fields_of "$TEMPORARY")" ] || fail "the restored database lacks measurements or fields of the backup, or has others"
api "DROP DATABASE $(identifier "$TEMPORARY")" >/dev/null

if [ "$exists" = true ]; then
    keep_former
    : >"$DROPPED"
    say "replacing $BACKUP_DATABASE"
    api "DROP DATABASE $NAME" >/dev/null
else
    : >"$DROPPED"
fi
import "$copy" "$SOURCE" "$BACKUP_DATABASE"
reinstate

queries=$(jq -r '.continuousQueries | length' "$copy/$TRAILER")
if [ "$queries" != 0 ] && [ "$exists" = false ]; then
    warn continuous-queries "The backup had $queries continuous queries, which an administrator must create again, since they run with the rights of the server; they are in the log of the job."
    jq -r '.continuousQueries[]' "$copy/$TRAILER" >&2
fi
