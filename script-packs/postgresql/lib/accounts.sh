# shellcheck shell=bash
# Who does what in a restore. The administrator is the account that may create databases (and, if possible, roles); it runs statements
# of ours alone. The restorer runs what the dump says, with the rights of those whom its objects belong to: it is an account
# of theirs, or a temporary role that is a member of them and of nothing else.

suffix=$(printf '%s' "$BACKUP_JOB_ID" | sha256sum | cut -c 1-16)
STAGING_DATABASE=osb_restore_$suffix
TEMPORARY_ROLE=osb_restore_$suffix
# The role that the checks of a drill use, where no account of the instance will do.
# shellcheck disable=SC2034
CHECKING_ROLE=osb_restore_check_$suffix
TEMPORARY_PASSWORD=

declare -A IS_SUPERUSER CAN_CREATE_DATABASES CAN_CREATE_ROLES HOME_OF SESSIONS_OF_JOB
[ "$MAINTENANCE_DATABASE" != "$BACKUP_DATABASE" ] || MAINTENANCE_DATABASE=template1

# Asks each account of the instance what it is. Sets SERVER_VERSION, ADMIN to the account with the most rights, HOME_DATABASE to the
# database that it is in while it does not work on the target, TARGET_EXISTS, and what there is of this restore: STAGING_EXISTS,
# TEMPORARY_ROLE_EXISTS and SESSIONS_OF_JOB.
look_at_accounts() {
    local account superuser databases roles version target staging role sessions found=
    local facts=(--set=target="$BACKUP_DATABASE" --set=name="$STAGING_DATABASE" --file="$PACK/sql/accounts.sql")
    ADMIN=
    for account in main ${SECOND_ACCOUNT:+second}; do
        if try_query "$account" "$MAINTENANCE_DATABASE" "${facts[@]}"; then
            HOME_OF[$account]=$MAINTENANCE_DATABASE
        elif try_query "$account" "$BACKUP_DATABASE" "${facts[@]}"; then
            HOME_OF[$account]=$BACKUP_DATABASE
        else
            found+="$said"$'\n'
            say "$(user_of "$account") cannot connect: $said"
            continue
        fi
        IFS=$'\t' read -r superuser databases roles version target staging role sessions <<<"${said##*$'\n'}"
        set_server_version "$version"
        TARGET_EXISTS=false STAGING_EXISTS=false TEMPORARY_ROLE_EXISTS=false SESSIONS_OF_JOB[$account]=$sessions
        [ "$target" = f ] || TARGET_EXISTS=true
        [ "$staging" = f ] || STAGING_EXISTS=true
        [ "$role" = f ] || TEMPORARY_ROLE_EXISTS=true
        # A session cannot rename the database that it is connected to.
        [ "${HOME_OF[$account]}" = "$MAINTENANCE_DATABASE" ] || databases=f
        IS_SUPERUSER[$account]=$superuser CAN_CREATE_DATABASES[$account]=$databases CAN_CREATE_ROLES[$account]=$roles
        if [ -z "$ADMIN" ] || [ "$superuser$databases$roles" \> "${IS_SUPERUSER[$ADMIN]}${CAN_CREATE_DATABASES[$ADMIN]}${CAN_CREATE_ROLES[$ADMIN]}" ]; then ADMIN=$account; fi
    done
    [ -n "$ADMIN" ] || fail "cannot use the database $BACKUP_DATABASE at $PGHOST:$PGPORT as $MAIN_ACCOUNT: $(advice "$found")"
    HOME_DATABASE=${HOME_OF[$ADMIN]}
}

# For later scripts of the job, which need to know no more than ADMIN.
remember_administrator() { printf '%s %s\n' "$ADMIN" "$SERVER_VERSION" >"$BACKUP_DIRECTORY/administrator"; }
recall_administrator() {
    if [ -s "$BACKUP_DIRECTORY/administrator" ]; then
        read -r ADMIN SERVER_VERSION <"$BACKUP_DIRECTORY/administrator"
    else
        look_at_accounts
    fi
}

# together LIST…: prints the names of lists, a line each, each name once, in order.
together() { printf '%s\n' "$@" | sed '/^$/d' | sort -u; }

# create_temporary_role LIST…: creates the temporary role of this restore, a member of the roles of the lists, a line each.
create_temporary_role() {
    local roles
    mapfile -t roles < <(together "$@")
    TEMPORARY_PASSWORD=$(head -c 24 /dev/urandom | base64 | tr -d '/+=')
    {
        [ "${IS_SUPERUSER[$ADMIN]}" != t ] || echo "SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET log_min_duration_statement = -1;"
        printf '\\set password `printf %%s "$TEMPORARY_PASSWORD"`\n'
        cat <<'SQL'
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD %L VALID UNTIL %L', :'role', :'password', now() + interval '3 days') \gexec
SELECT format('GRANT %I TO %I', :'role', current_user) WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec
SQL
    } | TEMPORARY_PASSWORD=$TEMPORARY_PASSWORD sql "$ADMIN" "$HOME_DATABASE" --set=role="$TEMPORARY_ROLE" 2>"$BACKUP_DIRECTORY/errors" ||
        fail_with "$BACKUP_DIRECTORY/errors" "the account $(user_of "$ADMIN") could not create a temporary role for the restore"
    grant_to_temporary_role "${roles[@]}"
    # A role that may not log in is found out now, not after the dump was read.
    can_connect temporary "$HOME_DATABASE" || {
        case $said in
        *"permission denied for database"*) ;;
        *)
            say "$said"
            fail "the restore needs a role of its own, $TEMPORARY_ROLE, which cannot log in: let roles named osb_restore_… in with a password (pg_hba.conf), or give the instance the account of the owner of the database as username" ;;
        esac
    }
}

# All in one session; where that fails, one by one, to name the role that the administrator cannot act for.
grant_to_temporary_role() {
    local role roles errors=$BACKUP_DIRECTORY/errors
    roles=$(printf '%s\n' "$@")
    ! query "$ADMIN" "$HOME_DATABASE" "SELECT format('GRANT %I TO %I', name, :'role') FROM unnest(string_to_array(:'roles', E'\n')) AS name \\gexec" \
        --set=roles="$roles" --set=role="$TEMPORARY_ROLE" 2>"$errors" || return 0
    for role in "$@"; do
        query "$ADMIN" "$HOME_DATABASE" "SELECT format('GRANT %I TO %I', :'owner', :'role') \\gexec" --set=owner="$role" --set=role="$TEMPORARY_ROLE" 2>"$errors" ||
            fail_with "$errors" "the account $(user_of "$ADMIN") cannot act for the role $role (GRANT $role TO $(user_of "$ADMIN") WITH ADMIN OPTION)"
    done
}

# Ends what a killed script of this job left running on the server, waits until it has ended, and looks again at what there is.
end_sessions_of_job() {
    local account left has_ended=false
    for account in main ${SECOND_ACCOUNT:+second}; do
        [ "${SESSIONS_OF_JOB[$account]:-0}" != 0 ] || continue
        has_ended=true
        for _ in {1..40}; do
            left=$(query "$account" "${HOME_OF[$account]}" "
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'USAGE')")
            [ "$left" != 0 ] || break
            sleep 0.25
        done
    done
    ! $has_ended || look_at_accounts
}

# Drops the temporary role. It owns nothing any more; privileges that it was given on the target go with it.
drop_temporary_role() {
    if $TARGET_EXISTS && can_connect "$ADMIN" "$BACKUP_DATABASE"; then
        query "$ADMIN" "$BACKUP_DATABASE" "SELECT format('DROP OWNED BY %I', :'role') \\gexec" --set=role="$TEMPORARY_ROLE"
    fi
    query "$ADMIN" "$HOME_DATABASE" "SELECT format('DROP ROLE IF EXISTS %I', :'role') \\gexec" --set=role="$TEMPORARY_ROLE"
}
