# shellcheck shell=bash
# Which account dumps: the main one if it can read everything, otherwise the second one.

# Whether the item stands for the roles and tablespaces of the server. A database of that name comes first.
is_globals_item() {
    [ "$BACKUP_DATABASE" = "$GLOBALS_ITEM" ] || return 1
    read_server_version main "$MAINTENANCE_DATABASE"
    ! database_exists main "$MAINTENANCE_DATABASE" "$GLOBALS_ITEM"
}

# Sets ACCOUNT to one that may read roles with their passwords.
choose_globals_account() {
    local account
    for account in main ${SECOND_ACCOUNT:+second}; do
        can_connect "$account" "$MAINTENANCE_DATABASE" || continue
        [ "$(query "$account" "$MAINTENANCE_DATABASE" 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')" = t ] || continue
        ACCOUNT=$account
        use_tools_of "$SERVER_MAJOR" "the server"
        return
    done
    fail "the item \"$GLOBALS_ITEM\" holds the passwords of all roles, which only a superuser can read: give the service instance a superuser as backupUsername, or take the item out of the plan"
}

# Sets ACCOUNT, what lib/standby.sh says of its server, the tools, and FINDINGS: the lines of check.sql for that account.
choose_backup_account() {
    choose_reader
    # What backup.sh needs to know of it.
    printf '%s %s %s\n' "$ACCOUNT" "$SERVER_VERSION" "$ENCODING" >"$BACKUP_DIRECTORY/chosen"
}

choose_reader() {
    local findings
    ACCOUNT=main
    if [ -z "$SECOND_ACCOUNT" ]; then
        read_facts main "$BACKUP_DATABASE"
    elif ! try_facts main "$BACKUP_DATABASE"; then
        ACCOUNT=second
        read_facts second "$BACKUP_DATABASE"
    fi
    use_tools_of "$SERVER_MAJOR" "the server"
    FINDINGS=$(find_problems "$ACCOUNT")
    [ "$ACCOUNT" = main ] && [ -n "$SECOND_ACCOUNT" ] && cannot_read "$FINDINGS" || return 0
    can_connect second "$BACKUP_DATABASE" || return 0
    findings=$(find_problems second)
    if ! cannot_read "$findings"; then
        ACCOUNT=second
        FINDINGS=$findings
    fi
}

find_problems() { sql "$1" "$BACKUP_DATABASE" --set=superuser_objects="$SUPERUSER_OBJECTS" --file="$PACK/sql/check.sql"; }

# Sets ACCOUNT, the server's version, ENCODING and the tools to what the check before this backup has chosen.
recall_backup_account() {
    local version
    if [ ! -s "$BACKUP_DIRECTORY/chosen" ]; then
        choose_backup_account
        return
    fi
    read -r ACCOUNT version ENCODING <"$BACKUP_DIRECTORY/chosen"
    set_server_version "$version"
    use_tools_of "$SERVER_MAJOR" "the server"
}

# Whether an account lacks rights to dump everything.
cannot_read() { grep -qE $'^error\t(not-readable|row-level-security|large-objects)\t' <<<"$1"; }

# Whether an account of the service instance may create databases. Each is asked once.
declare -A MAY_CREATE
can_create_databases() {
    local account
    for account in main ${SECOND_ACCOUNT:+second}; do
        if [ -z "${MAY_CREATE[$account]:-}" ]; then
            MAY_CREATE[$account]=$(query "$account" "$MAINTENANCE_DATABASE" 'SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user' 2>/dev/null) || MAY_CREATE[$account]=f
        fi
        [ "${MAY_CREATE[$account]}" != t ] || return 0
    done
    return 1
}
