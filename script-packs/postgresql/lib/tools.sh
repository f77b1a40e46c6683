# shellcheck shell=bash
# Finds pg_dump, pg_restore and psql of the right major version among those that are installed. pg_dump refuses servers that are
# newer than itself; pg_restore cannot read archives of a newer pg_dump, and a much newer one uses settings that an older server
# does not know. So the oldest version that is new enough is taken.

# Sets INSTALLED_TOOLS to a line for each pg_dump: its major version and its folder, oldest version first. What one script of a job found is
# used by the next ones, as long as it is there.
find_tools() {
    local file=$BACKUP_DIRECTORY/tools
    [ -z "${INSTALLED_TOOLS:-}" ] || return 0
    if [ -s "$file" ] && INSTALLED_TOOLS=$(<"$file") && are_installed; then return; fi
    INSTALLED_TOOLS=$(list_tools | sort -s -n -k 1,1)
    { printf '%s\n' "$INSTALLED_TOOLS" >"$file"; } 2>/dev/null || true
}

# Whether all tools that were found are there.
are_installed() {
    local folder
    while read -r _ folder; do has_tools "$folder" || return 1; done <<<"$INSTALLED_TOOLS"
}

# pg_wrapper, which Debian has in /usr/bin, is left out: it takes longer to find one of the folders below than psql takes to run.
has_tools() {
    [ -x "$1/pg_dump" ] && [ -x "$1/psql" ] && [ -x "$1/pg_restore" ] || return 1
    [ ! -L "$1/psql" ] || [[ $(readlink "$1/psql") != */pg_wrapper ]]
}

list_tools() {
    local folder version folders
    IFS=: read -r -a folders <<<"$PATH"
    for folder in "${folders[@]}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin; do
        has_tools "$folder" || continue
        version=$("$folder/pg_dump" --version 2>/dev/null) || continue
        if [[ $version =~ ^pg_dump\ \(PostgreSQL\)\ ([0-9]+) ]]; then printf '%s %s\n' "${BASH_REMATCH[1]}" "$folder"; fi
    done
}

# use_tools_of MAJOR WHOSE: puts the tools of this version, or of the next newer one that is installed, first on the PATH.
# 0: whichever is newest, to ask the server for its version. Sets TOOLS_MAJOR.
use_tools_of() {
    local version folder newest chosen=
    find_tools
    [ -n "$INSTALLED_TOOLS" ] || fail "pg_dump, pg_restore and psql are not installed: neither on the PATH nor in /usr/lib/postgresql/*/bin. Install postgresql-client"
    while read -r version folder; do
        [ "$1" = 0 ] || [ "$version" -ge "$1" ] || continue
        chosen=$folder TOOLS_MAJOR=$version
        [ "$1" = 0 ] || break
    done <<<"$INSTALLED_TOOLS"
    newest=${INSTALLED_TOOLS##*$'\n'}
    [ -n "$chosen" ] || fail "pg_dump is of version ${newest%% *}, $2 of version $1: install postgresql-client-$1 or newer"
    export PATH="$chosen:$PATH"
}
