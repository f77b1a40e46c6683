# shellcheck shell=bash
# expire: deletes snapshots of this item of this cluster that are older than keep_days; never the newest that succeeded before this one, whose
# receipt may be the last that is stored.
expire() {
    local days=${BACKUP_PARAMETER_KEEP_DAYS:-0} names name
    [ "$days" -gt 0 ] || return 0
    call GET "_snapshot/$REPOSITORY/osb-*"
    if [[ $STATUS != 2* ]]; then
        warn snapshots-kept "Old snapshots in the repository $REPOSITORY could not be listed, and were not deleted: status $STATUS."
        return 0
    fi
    names=$(jq -r --arg own "$SNAPSHOT" --arg cluster "$CLUSTER" --arg item "$BACKUP_DATABASE" --argjson days "$days" '
        [.snapshots[]?, .responses[]?.snapshots[]?
            | select(.metadata.osb_backup.cluster? == $cluster and .metadata.osb_backup.item? == $item)
            | select(.snapshot != $own and (.snapshot | test("^osb-[0-9a-f]{32}$")) and .state != "IN_PROGRESS")] as $all
        | ([$all[] | select(.state == "SUCCESS")] | max_by(.start_time_in_millis).snapshot) as $newest
        | $all[] | select(.snapshot != $newest and .start_time_in_millis < (now - $days * 86400) * 1000).snapshot' "$ANSWER")
    for name in $names; do
        call DELETE "_snapshot/$REPOSITORY/$name"
        if [[ $STATUS == 2* || $STATUS == 404 ]]; then
            say "deleted the snapshot $name, which is older than $days days"
        else
            warn snapshots-kept "The old snapshot $name in the repository $REPOSITORY could not be deleted: status $STATUS."
        fi
    done
}
