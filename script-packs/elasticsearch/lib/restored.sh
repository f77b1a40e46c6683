# shellcheck shell=bash
# What a restore creates. Beside a live index it is a hidden one, named after the job; otherwise it has the name of the item.
TEMPORARY=$BACKUP_DATABASE-restored-$(printf %s "$BACKUP_JOB_ID" | sha256sum | cut -c 1-12)

# restore_as NAME HIDDEN: restores SOURCE under the name, and returns when its shards are there with all documents
restore_as() {
    local body stalled=0
    printf '%s\n' "$1" >"$BACKUP_DIRECTORY/creating"
    # Indices of data streams have the name of the stream in theirs. Aliases and templates of the snapshot stay where they are.
    body=$(jq -cn --arg source "$SOURCE" --arg target "$1" --argjson hidden "$2" '{indices: $source, include_global_state: false, include_aliases: false,
        ignore_unavailable: false, partial: false,
        rename_pattern: ("^(\\.ds-)?\\Q" + $source + "\\E(-[0-9.]+-[0-9]+)?$"), rename_replacement: ("$1" + ($target | gsub("\\$"; "\\$")) + "$2")}
        + (if $hidden then {index_settings: {"index.hidden": true}} else {} end)')
    request POST "_snapshot/$REPOSITORY/$FROM/_restore?wait_for_completion=false" "the snapshot $FROM was not restored" "$body"
    while :; do
        [ "$SECONDS" -lt "$DEADLINE" ] || fail "the restore of $1 has not ended within timeout_seconds"
        health "$1"
        if [[ $HEALTH == green || $HEALTH == yellow ]]; then break; fi
        # Red, and nothing is being restored: the shards failed.
        if [ "$HEALTH" = red ] && jq -e '.initializing_shards == 0' "$ANSWER" >/dev/null; then stalled=$((stalled + 1)); else stalled=0; fi
        [ "$stalled" -lt 10 ] || fail "shards of $1 were not restored: its health stays red"
        sleep 0.5
    done
    require_documents "$1"
}

require_documents() {
    call POST "$(encoded "$1")/_refresh"
    count "$1"
    [ "$DOCUMENTS" = null ] || [ "$COUNT" = "$DOCUMENTS" ] || fail "$1 has $COUNT documents after the restore; the backup had $DOCUMENTS"
    say "$1: $COUNT documents"
}
