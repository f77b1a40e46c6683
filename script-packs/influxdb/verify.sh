#!/usr/bin/env bash
# Proves that the database is there with all of its series, and accepts it: the former one is forgotten after this.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/former.sh"
has_database "$BACKUP_DATABASE" || fail "the database $BACKUP_DATABASE is missing"
expected=$(jq '.series' "$BACKUP_DIRECTORY/copy/$TRAILER")
found=$(series_of "$BACKUP_DATABASE")
# Applications may write already.
[ "$expected" = null ] || [ "$found" -ge "$expected" ] || fail "the restored database has $found series; the backup had $expected"
measurements=$(api "SHOW MEASUREMENTS ON $NAME LIMIT 1000" | jq -r '.results[0].series[0].values[]?[0] | @json')
while IFS= read -r name; do
    [ -n "$name" ] || continue
    api "SELECT * FROM $NAME../.*/ LIMIT 1 SLIMIT 1" >/dev/null
    break
done <<<"$measurements"
: >"$ACCEPTED"
say "$found series can be read"
