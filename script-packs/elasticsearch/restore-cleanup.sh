#!/usr/bin/env bash
# Deletes what a restore that did not end has created. Only what comes from its snapshot, and nothing that has the name of the item by now.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
# What `restore` refused before it began left nothing.
if [ ! -e "$BACKUP_DIRECTORY/creating" ] || [ -e "$BACKUP_DIRECTORY/verified" ]; then exit 0; fi
. "$PACK/lib/cluster.sh"
name=$(cat "$BACKUP_DIRECTORY/creating")
resolve "$BACKUP_DATABASE"
if [ "$KIND" = alias ] && [ "$CONCRETE" = "$name" ]; then
    say "$BACKUP_DATABASE is the restored index: it was exchanged"
    exit 0
fi
if [ -e "$BACKUP_DIRECTORY/exchanging" ]; then
    # The request may still be on its way, and delete the live index: then this is the only copy.
    say "$name was restored, and is not in use: delete it"
    exit 0
fi
resolve "$name"
[ "$KIND" != none ] || exit 0
request GET "$(encoded "$name")/_recovery" "cannot find out where $name comes from"
from=$(jq -r .snapshot "$BACKUP_DIRECTORY/receipt")
jq -e --arg from "$from" 'all(.[].shards[]? | select(.primary); .type == "SNAPSHOT" and .source.snapshot == $from)' "$ANSWER" >/dev/null || {
    say "$name was not created by this restore, and is kept"
    exit 0
}
path=$(encoded "$name")
[ "$KIND" != stream ] || path=_data_stream/$path
call DELETE "$path"
[[ $STATUS == 2* || $STATUS == 404 ]] || refuse "$name was not deleted"
say "deleted $name"
