#!/usr/bin/env bash
# Restores the snapshot of the receipt on standard input. A live index is replaced in one step, after the new one was proven beside it.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/snapshot.sh"
. "$PACK/lib/restored.sh"
require_item
read_receipt
require_cluster
require_recorded_snapshot
say "the snapshot $FROM of $SOURCE, taken in the cluster $(jq -r .cluster "$RECEIPT")"

resolve "$BACKUP_DATABASE"
case $KIND in
    none)
        restore_as "$BACKUP_DATABASE" false
        exit 0
        ;;
    stream) fail "$BACKUP_DATABASE is a data stream, which cannot be replaced in one step: restore under another name, or delete it first" ;;
    others) fail "$BACKUP_DATABASE is an alias: restore under the name of an index, or another name" ;;
esac
[ "$SOURCE_KIND" = index ] || fail "the backup is of a data stream, which cannot replace an index: restore under another name"
[ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] || fail "the index $BACKUP_DATABASE exists: restore under another name, or set the parameter replace"

restore_as "$TEMPORARY" true
require_recorded_snapshot
request PUT "$(encoded "$TEMPORARY")/_settings" "the restored index stays hidden" '{"index":{"hidden":false}}'
request GET "$(encoded "$CONCRETE")/_alias" "cannot read the aliases of $CONCRETE"
# The live index goes, and the restored one gets its name and its aliases: all of it, or nothing.
actions=$(jq -c --arg live "$CONCRETE" --arg item "$BACKUP_DATABASE" --arg fresh "$TEMPORARY" '{actions: (
    [{remove_index: {index: $live}}, {add: {index: $fresh, alias: $item}}]
    + [(.[$live].aliases // {}) | to_entries[] | select(.key != $item) | {add: (.value + {index: $fresh, alias: .key})}])}' "$ANSWER")
: >"$BACKUP_DIRECTORY/exchanging"
say "exchanging $CONCRETE"
call POST _aliases "$actions"
if [[ $STATUS == 4* ]]; then rm -f -- "$BACKUP_DIRECTORY/exchanging"; fi
[[ $STATUS == 2* ]] || refuse "$CONCRETE was not exchanged"
resolve "$BACKUP_DATABASE"
[ "$KIND" = alias ] && [ "$CONCRETE" = "$TEMPORARY" ] || fail "$BACKUP_DATABASE does not name the restored index $TEMPORARY after the exchange"
