#!/usr/bin/env bash
# Proves that the item is there, healthy and readable.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
resolve "$BACKUP_DATABASE"
[[ $KIND == index || $KIND == stream || $KIND == alias ]] || fail "$BACKUP_DATABASE is missing after the restore"
health "${CONCRETE:-$BACKUP_DATABASE}"
[[ $HEALTH == green || $HEALTH == yellow ]] || fail "the health of $BACKUP_DATABASE is $HEALTH after the restore"
count "$BACKUP_DATABASE"
documents=$(jq -r .documents "$BACKUP_DIRECTORY/receipt")
# Applications may write already.
[ "$documents" = null ] || [ "$COUNT" -ge "$documents" ] || fail "$BACKUP_DATABASE has $COUNT documents; the backup had $documents"
: >"$BACKUP_DIRECTORY/verified"
say "$BACKUP_DATABASE is $HEALTH, with $COUNT documents"
