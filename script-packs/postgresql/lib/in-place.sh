# shellcheck shell=bash
# Mode in-place: one transaction that removes what the owner owns and no extension owns, then restores. The way where no account may
# create databases. Nothing is changed if it fails; the whole database is locked while it runs.

restore_in_place() {
    local options
    if [ "$RESTORER" = temporary ]; then
        create_temporary_role "$TENANTS" "$GRANTORS"
    fi
    require_locks
    require_extensions
    # Tables of extensions with rows of users, which the restorer may not delete.
    MERGED=$BACKUP_DIRECTORY/merged-tables
    query "$RESTORER" "$BACKUP_DATABASE" "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_extension e CROSS JOIN unnest(e.extconfig) AS config
        JOIN pg_class c ON c.oid = config JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'DELETE')" >"$MERGED"
    options=(--set=all="$([ "$RESTORER_KIND" = superuser ] && echo true || echo false)" --set=name="$BACKUP_DATABASE" --set=target="$BACKUP_DATABASE" --set=as=tenant
        --set=tenants="$TENANTS" --set=fallback="${FALLBACK_OWNER:-}" --set=everywhere="$(fallback_if_needed)" --set=objects="$(cat "$PACK/sql/objects.sql")")
    watch_blockers "$ADMIN" "$HOME_DATABASE" "$([ "$TERMINATE_SESSIONS" = true ] && echo terminate)"
    { transaction | sql "$RESTORER" "$BACKUP_DATABASE" "${options[@]}" --file=- >/dev/null; } 2>"$ERRORS" || {
        report_blockers "$ERRORS"
        fail_with "$ERRORS" "the restore failed and changed nothing"
    }
    stop_watching_blockers
    cat "$ERRORS" >&2
    warn_of_grants "$BACKUP_DATABASE" "$(sql "$ADMIN" "$BACKUP_DATABASE" --file="$PACK/sql/lost-extension-grants.sql")"
    settle_at_home "$BACKUP_DATABASE" --file="$PACK/sql/apply-settings.sql"
}

# The whole restore as one script for psql. COMMIT comes only if all of it was written: without, the end of the session undoes it.
transaction() {
    echo 'BEGIN;' &&
        cat "$PACK/sql/drop-owned.sql" &&
        planned_definitions schemas &&
        placements GRANT TO &&
        planned_definitions main --section=pre-data &&
        rows &&
        planned_definitions main --section=post-data &&
        placements REVOKE FROM &&
        printf '%s\n' '\set ON_ERROR_ROLLBACK on' '\set ON_ERROR_STOP off' &&
        planned_definitions acl &&
        printf '%s\n' '\set ON_ERROR_STOP on' '\set ON_ERROR_ROLLBACK off' &&
        planned_definitions last &&
        own_statements &&
        cat "$PACK/sql/extension-details.sql" "$PACK/sql/apply-settings.sql" "$PACK/sql/finish-in-place.sql" &&
        echo "SELECT pg_has_role(datdba, 'USAGE') AND :'metadata'::jsonb -> 'database' IS NOT NULL AS owns FROM pg_database WHERE datname = :'name' \\gset" &&
        echo '\if :owns' && cat "$PACK/sql/finish-database.sql" && echo '\endif' &&
        echo 'COMMIT;'
}

rows() {
    archive | {
        pg_restore --file=- --section=data --no-tablespaces --use-list="$BACKUP_DIRECTORY/main.list"
        status=$?
        cat >/dev/null
        exit "$status"
    } | statements -v search_path="$SEARCH_PATH" -v merged="$MERGED" -v transaction=1
}

# The transaction locks everything that it drops and creates. The server must have room for that.
require_locks() {
    local dropped _ available taken connections created
    IFS=$'\t' read -r dropped _ available taken connections < <(sql "$ADMIN" "$BACKUP_DATABASE" --set=role="$(if [ "$RESTORER_KIND" = superuser ]; then user_of "$RESTORER"; else printf %s "$FALLBACK_OWNER"; fi)" --file="$PACK/sql/locks.sql")
    created=$(awk '/^;/ || /^$/ { next } { entry = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", entry) }
        entry ~ /^(TABLE|MATERIALIZED VIEW) / && entry !~ /^(TABLE|MATERIALIZED VIEW) (DATA|ATTACH) / { locks += 3; next }
        entry ~ /^(SEQUENCE SET|TABLE DATA|COMMENT|ACL|DEFAULT ACL|TABLE ATTACH|INDEX ATTACH|DEFAULT|FK CONSTRAINT|TRIGGER|POLICY|ROW SECURITY) / { next }
        { locks++ } END { print locks + 0 }' "$CONTENTS")
    [ $((dropped + created + taken)) -le "$available" ] ||
        fail "the restore needs $((dropped + created)) locks in one transaction, and the server has $available for all, of which $taken are taken: set max_locks_per_transaction to $(((dropped + created + taken) * 12 / 10 / connections + 1)) and restart it, or give the instance an account that may create databases (mode swap)"
}

# In a database that is in use, the script of an extension could be led to run what its users wrote, with a superuser's rights.
may_administrator_create() { [ "${IS_SUPERUSER[$ADMIN]}" = t ] && is_empty_database && is_unused_database; }

is_unused_database() { [ "$(query "$ADMIN" "$BACKUP_DATABASE" 'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()')" = 0 ]; }

# Extensions stay as they are. One that is missing is created only if the restorer may.
require_extensions() {
    local name version creator installed lacking=()
    local -A there=()
    [ ${#EXTENSION_NAMES[@]} != 0 ] || return 0
    installed=$(query "$ADMIN" "$BACKUP_DATABASE" 'SELECT extname, extversion FROM pg_extension')
    while IFS=$'\t' read -r name version; do there["$name"]=$version; done <<<"$installed"
    for name in "${EXTENSION_NAMES[@]}"; do
        [ -z "${there["$name"]:-}" ] || continue
        [ "${EXTENSION_IS_TRUSTED["$name"]}" = t ] || may_administrator_create || lacking+=("$name")
    done
    [ ${#lacking[@]} = 0 ] || fail "the dump needs extensions that $BACKUP_DATABASE does not have and that only a superuser may create: $(printf '%s\n' "${lacking[@]}" | list_names). Let a superuser create them (CREATE EXTENSION) before the restore"
    for name in "${EXTENSION_NAMES[@]}"; do
        version=${EXTENSION_VERSION["$name"]}
        if [ -n "${there["$name"]:-}" ]; then
            [ "${there["$name"]}" = "$version" ] || [ "${EXTENSION_ANSWER["$name"]}" = default ] ||
                warn extension-version "The extension $name stays in version ${there["$name"]}; the backup had ${version/-/another}."
            continue
        fi
        creator=$RESTORER
        if may_administrator_create; then
            require_allowed_extension "$name"
            creator=$ADMIN
        fi
        create_extension "$creator" "$BACKUP_DATABASE" '' "$name" ||
            fail_with "$ERRORS" "the dump needs the extension $name, which $BACKUP_DATABASE does not have and $(user_of "$RESTORER") may not create: let a superuser create it (CREATE EXTENSION \"$name\" SCHEMA \"${EXTENSION_SCHEMA["$name"]}\")"
        if [ "$creator" = "$ADMIN" ]; then hand_extensions_over "$BACKUP_DATABASE" "$(user_of "$RESTORER")"; fi
    done
}
