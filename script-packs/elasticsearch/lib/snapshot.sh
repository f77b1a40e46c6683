# shellcheck shell=bash
# Snapshots of the repository, and the receipt, which is what the manager stores.
REPOSITORY=${BACKUP_PARAMETER_REPOSITORY:-}
[[ $REPOSITORY =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ && $REPOSITORY != _all ]] || fail "the parameter repository must name one registered snapshot repository, not \"$REPOSITORY\""
# The job is in the name, so that cleanup finds the snapshot of a script that was killed.
SNAPSHOT=osb-$(printf %s "$BACKUP_JOB_ID" | sha256sum | cut -c 1-32)

# read_snapshot NAME: what the API reports of it, in $BACKUP_DIRECTORY/snapshot. Returns 1 if there is none, 2 if that is not known now.
read_snapshot() {
    call GET "_snapshot/$REPOSITORY/$1"
    if [ "$STATUS" = 404 ]; then return 1; fi
    if is_temporary; then return 2; fi
    [[ $STATUS == 2* ]] || refuse "cannot read the snapshot $1 of the repository $REPOSITORY"
    jq -ce --arg name "$1" '[.snapshots[]?, .responses[]?.snapshots[]?] | if length == 1 and .[0].snapshot == $name then .[0] else empty end' \
        "$ANSWER" >"$BACKUP_DIRECTORY/snapshot" || fail "the cluster does not report the snapshot $1"
}

# What does not change, whichever version reports it.
digest() {
    jq -cS '{snapshot, uuid, state, version_id, indices: (.indices | sort), data_streams: (.data_streams // [] | sort), include_global_state,
        start_time_in_millis, end_time_in_millis, failures, shards, metadata}' "$BACKUP_DIRECTORY/snapshot" | sha256sum | cut -d ' ' -f 1
}

# read_receipt: reads the dump on standard input, to its end
read_receipt() {
    RECEIPT=$BACKUP_DIRECTORY/receipt
    head -c 1048577 >"$RECEIPT"
    # The form in which `backup` wrote it, byte by byte: what was cut off or added makes a difference.
    jq -cS . "$RECEIPT" 2>/dev/null | cmp -s - "$RECEIPT" && jq -e '
        .format == "osb-backup elasticsearch 1" and (.kind == "index" or .kind == "stream")
        and ([.cluster, .repository, .snapshot, .uuid, .item, .source] | all(type == "string" and length > 0))
        and (.snapshot | test("^osb-[0-9a-f]{32}$")) and (.digest | test("^[0-9a-f]{64}$"))
        and (.source | test("^[^\\\\/*?\"<>| ,#:._+-][^\\\\/*?\"<>| ,#:]*$"))
        and (.documents | type == "number" or . == null) and (.indices | type == "array" and length > 0)' "$RECEIPT" >/dev/null 2>&1 ||
        fail "the dump is not the receipt of a backup by this pack, or not whole"
    FROM=$(jq -r .snapshot "$RECEIPT") SOURCE=$(jq -r .source "$RECEIPT") SOURCE_KIND=$(jq -r .kind "$RECEIPT") DOCUMENTS=$(jq -r .documents "$RECEIPT")
}

# require_recorded_snapshot: the repository still has the snapshot that the receipt is of
require_recorded_snapshot() {
    local result=0
    read_snapshot "$FROM" || result=$?
    case $result in
        1) fail "the repository $REPOSITORY has no snapshot $FROM: was it deleted (keep_days), or is it another repository?" ;;
        2) refuse "cannot read the snapshot $FROM" ;;
    esac
    jq -e --slurpfile receipt "$RECEIPT" '$receipt[0] as $r | .uuid == $r.uuid and .state == "SUCCESS" and (.indices | sort) == $r.indices
        and ((if $r.kind == "stream" then .data_streams // [] else .indices end) | index($r.source) != null)' "$BACKUP_DIRECTORY/snapshot" >/dev/null &&
        [ "$(digest)" = "$(jq -r .digest "$RECEIPT")" ] ||
        fail "the snapshot $FROM of the repository $REPOSITORY is not the one that was recorded: it was replaced"
}
