#!/usr/bin/env bash
# Creates a snapshot in the repository. The dump is the receipt: which snapshot it is, and the digest of what the API reports of it.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/snapshot.sh"
. "$PACK/lib/expire.sh"
require_cluster
require_backup_source

# Documents and operations so far: the number of documents is recorded only if nothing was written meanwhile.
activity() {
    call POST "$(encoded "$SOURCE")/_refresh"
    call GET "$(encoded "$SOURCE")/_stats/docs,indexing"
    if [[ $STATUS == 2* ]]; then jq -c '._all.primaries | [.docs.count, .indexing.index_total, .indexing.delete_total]' "$ANSWER"; else echo unknown; fi
}

before=$(activity)
body=$(jq -cn --arg source "$SOURCE" --arg item "$BACKUP_DATABASE" --arg job "$BACKUP_JOB_ID" --arg cluster "$CLUSTER" '{indices: $source, include_global_state: false,
    ignore_unavailable: false, partial: false, metadata: {osb_backup: {cluster: $cluster, item: $item, job: $job}}}')
: >"$BACKUP_DIRECTORY/begun"
request PUT "_snapshot/$REPOSITORY/$SNAPSHOT?wait_for_completion=false" "the snapshot was not created" "$body"
: >"$BACKUP_DIRECTORY/accepted"

state=IN_PROGRESS failures=0
while [ "$state" = IN_PROGRESS ] || [ "$state" = STARTED ]; do
    [ "$SECONDS" -lt "$DEADLINE" ] || fail_for_now "the snapshot $SNAPSHOT has not ended within timeout_seconds"
    result=0
    read_snapshot "$SNAPSHOT" || result=$?
    case $result in
        0) state=$(jq -r .state "$BACKUP_DIRECTORY/snapshot") failures=0 ;;
        1) fail "the snapshot $SNAPSHOT is missing: somebody deleted it" ;;
        # The snapshot goes on while a node is away.
        2) failures=$((failures + 1)); [ "$failures" -lt 60 ] || refuse "the state of the snapshot $SNAPSHOT is unknown" ;;
    esac
    if [ "$state" = IN_PROGRESS ] || [ "$state" = STARTED ]; then sleep 1; fi
done
jq -e --arg job "$BACKUP_JOB_ID" '.metadata.osb_backup.job == $job' "$BACKUP_DIRECTORY/snapshot" >/dev/null || fail "the snapshot $SNAPSHOT is of somebody else"
jq -c '.failures // [] | .[0:5][]' "$BACKUP_DIRECTORY/snapshot" >&2
[ "$state" = SUCCESS ] || fail "the snapshot ended with the state $state"
jq -e --arg source "$SOURCE" '(.shards | .failed == 0 and .successful == .total) and (.failures // [] | length == 0) and (.uuid | type == "string" and length > 0)
    and ((.indices + (.data_streams // [])) | index($source) != null)' "$BACKUP_DIRECTORY/snapshot" >/dev/null ||
    fail "the snapshot ended with the state SUCCESS, but lacks shards, or $SOURCE"
cp -- "$BACKUP_DIRECTORY/snapshot" "$BACKUP_DIRECTORY/complete"

documents=null
if [ "$before" != unknown ] && [ "$before" = "$(activity)" ]; then
    count "$SOURCE"
    documents=$COUNT
fi
expire
mv -- "$BACKUP_DIRECTORY/complete" "$BACKUP_DIRECTORY/snapshot"
[ "$KIND" = stream ] || KIND=index
jq -cS --arg cluster "$CLUSTER" --arg repository "$REPOSITORY" --arg item "$BACKUP_DATABASE" --arg source "$SOURCE" --arg kind "$KIND" \
    --arg digest "$(digest)" --argjson documents "$documents" '{format: "osb-backup elasticsearch 1", cluster: $cluster, repository: $repository, snapshot, uuid,
    item: $item, source: $source, kind: $kind, indices: (.indices | sort), documents: $documents, digest: $digest}' "$BACKUP_DIRECTORY/snapshot"
: >"$BACKUP_DIRECTORY/recorded"
