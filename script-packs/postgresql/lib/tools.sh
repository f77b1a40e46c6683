# shellcheck shell=bash
# Finds pg_dump, pg_restore and psql of the right major version among those that are installed. pg_dump refuses servers that are
# newer than itself; pg_restore cannot read archives of a newer pg_dump, and a much newer one uses settings that an older server
# does not know. So the oldest version that is new enough is taken.

# Prints a line for each pg_dump: its major version and its folder, oldest version first.
installed_tools() {
    local folder version
    {
        IFS=:
        for folder in $PATH; do printf '%s\n' "$folder"; done
        unset IFS
        ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null || true
    } | while read -r folder; do
        [ -x "$folder/pg_dump" ] && [ -x "$folder/psql" ] && [ -x "$folder/pg_restore" ] || continue
        version=$("$folder/pg_dump" --version 2>/dev/null | sed -nE 's/^pg_dump \(PostgreSQL\) ([0-9]+).*/\1/p') || continue
        [ -z "$version" ] || printf '%s %s\n' "$version" "$folder"
    done | sort -s -n -k 1,1
}

# use_tools_of MAJOR: puts the tools of this version, or of the next newer one that is installed, first on the PATH.
# 0: whichever is newest, to ask the server for its version. Sets TOOLS_MAJOR.
use_tools_of() {
    local found chosen
    found=$(installed_tools)
    [ -n "$found" ] || fail "pg_dump, pg_restore and psql are not installed: neither on the PATH nor in /usr/lib/postgresql/*/bin. Install postgresql-client"
    if [ "$1" = 0 ]; then
        chosen=$(tail -n 1 <<<"$found")
    else
        chosen=$(awk -v wanted="$1" '$1 >= wanted { print; exit }' <<<"$found")
    fi
    [ -n "$chosen" ] ||
        fail "pg_dump is of version $(tail -n 1 <<<"$found" | cut -d' ' -f1), $2 of version $1: install postgresql-client-$1 or newer"
    TOOLS_MAJOR=${chosen%% *}
    export PATH="${chosen#* }:$PATH"
}
