# shellcheck shell=bash
# What is dropped with a database: the data, and grants and continuous queries, which are of the server and in no dump.
FORMER=$BACKUP_DIRECTORY/former
STATEMENTS=$BACKUP_DIRECTORY/statements
# Exists from before the database is dropped; `accepted` from when `verify` was content.
DROPPED=$BACKUP_DIRECTORY/dropped
ACCEPTED=$BACKUP_DIRECTORY/accepted
TEMPORARY=osb_restoring_${BACKUP_JOB_ID//[^A-Za-z0-9-]/_}

# keep_former: copies the live database to scratch space
keep_former() {
    rm -rf -- "$FORMER" "$STATEMENTS"
    influxd backup -portable -host "$RPC" -db "$BACKUP_DATABASE" "$FORMER" >&2 || fail "the live database cannot be copied before it is replaced"
    manifest_of "$FORMER" >/dev/null
    {
        api 'SHOW CONTINUOUS QUERIES' | jq -c --arg name "$BACKUP_DATABASE" '.results[0].series[]? | select(.name == $name) | .values[]?[1]'
        local users user
        users=$(api 'SHOW USERS' | jq -r '.results[0].series[0].values[]? | select(.[1] | not) | .[0]')
        while IFS= read -r user; do
            [ -n "$user" ] || continue
            # Tags are columns of their own: what is shown is the name of the database and the privilege.
            api "SHOW GRANTS FOR $(identifier "$user")" | jq -c --arg name "$BACKUP_DATABASE" --arg to "$(identifier "$user")" --arg on "$NAME" \
                '.results[0].series[0].values[]? | select(.[0] == $name and .[1] != "NO PRIVILEGES") | "GRANT \(.[1] | sub(" PRIVILEGES"; "")) ON \($on) TO \($to)"'
        done <<<"$users"
    } >"$STATEMENTS"
}

# reinstate: what belonged to the live database belongs to the one that took its place
reinstate() {
    [ -s "$STATEMENTS" ] || return 0
    local line
    while IFS= read -r line; do api "$(jq -r . <<<"$line")" >/dev/null; done <"$STATEMENTS"
}
