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

# Sets ACCOUNT, SERVER_VERSION, SERVER_MAJOR and the tools, and FINDINGS: the lines of check.sql for that account.
choose_backup_account() {
    local findings
    ACCOUNT=main
    if [ -n "$SECOND_ACCOUNT" ] && ! can_connect main "$BACKUP_DATABASE"; then ACCOUNT=second; fi
    read_server_version "$ACCOUNT" "$BACKUP_DATABASE"
    use_tools_of "$SERVER_MAJOR" "the server"
    FINDINGS=$(sql "$ACCOUNT" "$BACKUP_DATABASE" --set=superuser_objects="$SUPERUSER_OBJECTS" --file="$PACK/sql/check.sql")
    [ "$ACCOUNT" = main ] && [ -n "$SECOND_ACCOUNT" ] && cannot_read "$FINDINGS" || return 0
    can_connect second "$BACKUP_DATABASE" || return 0
    findings=$(sql second "$BACKUP_DATABASE" --set=superuser_objects="$SUPERUSER_OBJECTS" --file="$PACK/sql/check.sql")
    if ! cannot_read "$findings"; then
        ACCOUNT=second
        FINDINGS=$findings
    fi
}

# Whether an account lacks rights to dump everything.
cannot_read() { grep -qE $'^error\t(not-readable|row-level-security|large-objects)\t' <<<"$1"; }

# Whether an account of the service instance may create databases.
can_create_databases() {
    local account
    for account in main ${SECOND_ACCOUNT:+second}; do
        [ "$(query "$account" "$MAINTENANCE_DATABASE" 'SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user' 2>/dev/null)" != t ] || return 0
    done
    return 1
}
