# shellcheck shell=bash
# The item "globals": roles, their memberships and tablespaces, as pg_dumpall writes them.

is_globals_dump() { head -n 5 "$HEAD" | grep -q '^-- PostgreSQL database cluster dump'; }

# Creates the roles that do not exist; those that exist stay as they are, their passwords included. What a tablespace needs on disk has
# to be there.
restore_globals() {
    [ "$BACKUP_DATABASE" = "$GLOBALS_ITEM" ] || fail "this backup holds the roles of a server: restore it under the name \"$GLOBALS_ITEM\""
    [ "${IS_SUPERUSER[$ADMIN]}" = t ] || fail "only a superuser can restore the roles of a server"
    local existing=$BACKUP_DIRECTORY/existing-roles
    query "$ADMIN" "$HOME_DATABASE" 'SELECT rolname FROM pg_roles' >"$existing"
    { archive | statements -v existing="$existing" | sql "$ADMIN" "$HOME_DATABASE" --set=ON_ERROR_STOP=0 --file=- >/dev/null; } 2>"$BACKUP_DIRECTORY/errors" ||
        fail_with "$BACKUP_DIRECTORY/errors" "the roles could not be restored"
    if grep -E 'ERROR: ' "$BACKUP_DIRECTORY/errors" | grep -qv 'already exists$'; then
        fail_with "$BACKUP_DIRECTORY/errors" "some of the roles, memberships or tablespaces could not be restored"
    fi
}
