#!/usr/bin/env bash
# Deletes the snapshot of a backup that did not end, which also aborts it.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
# What failed before it began left nothing.
if [ ! -e "$BACKUP_DIRECTORY/begun" ] || [ -e "$BACKUP_DIRECTORY/recorded" ]; then exit 0; fi
. "$PACK/lib/cluster.sh"
. "$PACK/lib/snapshot.sh"
# A request of a killed script may still be on its way.
attempts=1
[ -e "$BACKUP_DIRECTORY/accepted" ] || attempts=3
for ((attempt = 1; attempt <= attempts; attempt++)); do
    [ "$attempt" = 1 ] || sleep 1
    result=0
    read_snapshot "$SNAPSHOT" || result=$?
    [ "$result" != 2 ] || refuse "cannot find out whether the snapshot $SNAPSHOT exists"
    [ "$result" = 0 ] || continue
    jq -e --arg job "$BACKUP_JOB_ID" '.metadata.osb_backup.job == $job' "$BACKUP_DIRECTORY/snapshot" >/dev/null || exit 0
    call DELETE "_snapshot/$REPOSITORY/$SNAPSHOT"
    [[ $STATUS == 2* || $STATUS == 404 ]] || refuse "the snapshot $SNAPSHOT was not deleted"
    say "deleted the snapshot $SNAPSHOT"
    break
done
