# shellcheck shell=bash
# Decides how a dump is restored: in which mode, with whose rights, and what becomes of roles and extensions that are not as in the
# dump. Everything that can be refused is refused here, before anything is changed.

ROLE_LIST=$BACKUP_DIRECTORY/roles
JUDGED=$BACKUP_DIRECTORY/judged-roles
GIVEN=$BACKUP_DIRECTORY/given-owners
SKIPPED=$BACKUP_DIRECTORY/skipped-roles
TENANT_LIST=$BACKUP_DIRECTORY/tenants
EXTENSIONS=$BACKUP_DIRECTORY/extensions

judged() { awk -F '\t' -v usage="$1" -v verdict="$2" '$1 ~ usage && $2 == verdict { print $3 }' "$JUDGED" | sort -u; }
list_names() { paste -sd , - | sed 's/,/, /g'; }

plan_restore() {
    : >"$GIVEN"
    : >"$SKIPPED"
    roles_of_archive >"$ROLE_LIST"
    extensions_of_archive >"$EXTENSIONS"
    TARGET_EXISTS=false
    if database_exists "$ADMIN" "$HOME_DATABASE" "$BACKUP_DATABASE"; then TARGET_EXISTS=true; fi
    read_metadata
    choose_target_owner
    # Settings of roles come from the metadata alone.
    sql "$ADMIN" "$HOME_DATABASE" >>"$ROLE_LIST" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
SELECT DISTINCT 'setting', s ->> 'role' FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'settings', '[]')) s WHERE s ->> 'role' IS NOT NULL;
SQL
    sql "$ADMIN" "$HOME_DATABASE" --set=target="$BACKUP_DATABASE" --set=owner="$TARGET_OWNER" --set=main_account="$MAIN_ACCOUNT" \
        --set=second_account="$SECOND_ACCOUNT" --set=owner_roles="$OWNER_ROLES" --file="$PACK/sql/roles.sql" >"$JUDGED"
    choose_restorer_kind
    settle_roles
    choose_mode
    choose_restorer
    sort_entries "$([ "$RESTORER_KIND" = tenant ] && printf %s "$SUPERUSER_OBJECTS")"
    refuse_superuser_objects
}

# Metadata of the backup; without any, that of the live database, so that at least its settings and grants are carried over.
read_metadata() {
    IS_VERIFIED=true
    [ ! -s "$BACKUP_METADATA" ] || return 0
    IS_VERIFIED=false
    printf '{}' >"$BACKUP_METADATA"
    if $TARGET_EXISTS && sql "$ADMIN" "$BACKUP_DATABASE" --file="$PACK/sql/metadata.sql" >"$BACKUP_METADATA.live" 2>/dev/null; then
        mv "$BACKUP_METADATA.live" "$BACKUP_METADATA"
        warn no-metadata "The backup does not say which settings, grants and extension versions its database had: those of the live database are kept."
    else
        rm -f "$BACKUP_METADATA.live"
        warn no-metadata "The backup does not say which settings, grants and extension versions its database had: they are those of a new database."
    fi
}

# The owner of the target. Of a database that is to be created: the owner that the backup names, if that is a role of ours or has to do
# with no database here; otherwise the account of the instance. What a dump says of itself makes no other account its owner.
choose_target_owner() {
    TARGET_OWNER=$(sql "$ADMIN" "$HOME_DATABASE" --set=target="$BACKUP_DATABASE" --set=main="$MAIN_ACCOUNT" --set=second="$SECOND_ACCOUNT" \
        --set=owner_roles="$OWNER_ROLES" --file="$PACK/sql/target-owner.sql")
    [ -n "$TARGET_OWNER" ] || fail "the database $BACKUP_DATABASE does not exist, and nothing here says to whom it belongs: create it (CREATE DATABASE … OWNER …), or name its owner in the parameter owner_roles"
    OWNER_IS_SUPERUSER=$(query "$ADMIN" "$HOME_DATABASE" "SELECT rolsuper FROM pg_roles WHERE rolname = :'owner'" --set=owner="$TARGET_OWNER")
}

# Whether superusers alone owned what is in the dump. The agent passes metadata only if it is what was recorded at the backup;
# what the dump says of itself proves nothing.
is_content_of_superusers() {
    $IS_VERIFIED && [ "$(sql "$ADMIN" "$HOME_DATABASE" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
SELECT coalesce(bool_and((r ->> 'superuser')::boolean), true) FROM jsonb_array_elements(:'metadata'::jsonb -> 'roles') r
    WHERE r ->> 'usage' = 'owner' AND r ->> 'name' <> 'pg_database_owner';
SQL
    )" = t ]
}

# A superuser restores only what belongs to superusers alone, here and in the dump. Everything else is restored as its owners.
choose_restorer_kind() {
    RESTORER_KIND=tenant
    [ "$OWNER_IS_SUPERUSER" = t ] && [ "${IS_SUPERUSER[$ADMIN]}" = t ] || return 0
    awk -F '\t' '$1 == "owner" && $2 != "superuser" { found = 1 } END { exit !found }' "$JUDGED" && return 0
    if $TARGET_EXISTS && [ "$(sql "$ADMIN" "$BACKUP_DATABASE" <<'SQL'
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects SELECT count(*) FROM objects JOIN pg_roles r ON r.oid = owner WHERE NOT rolsuper AND r.oid >= 16384; -- without pg_database_owner
SQL
    )" != 0 ]; then return 0; fi
    if [ "$SUPERUSER_CONTENT" != allow ] && ! is_content_of_superusers; then
        fail "the database $BACKUP_DATABASE belongs to the superuser $TARGET_OWNER, so that everything in the dump would be executed with a superuser's rights, and it is not recorded that superusers wrote it: give the database to a role of the application (ALTER DATABASE … OWNER TO) or, if you trust the author of the dump, set the parameter superuser_content to allow"
    fi
    RESTORER_KIND=superuser
}

# What becomes of roles that are missing, and of owners to whom nothing may be given.
settle_roles() {
    local missing refused role
    missing=$(judged '^(owner|grantor|grantee|policy)$' missing)
    TENANTS=$(judged owner tenant)
    if [ -n "$missing" ]; then
        case $MISSING_ROLES in
        fail) fail "these roles of the dump do not exist here: $(list_names <<<"$missing"). Create them, or set the parameter missing_roles to create (without login) or skip" ;;
        create)
            [ "${CAN_CREATE_ROLES[$ADMIN]}" = t ] || fail "missing_roles is create, but the account $(user_of "$ADMIN") may not create roles"
            while IFS= read -r role; do
                query "$ADMIN" "$HOME_DATABASE" "SELECT format('CREATE ROLE %I NOLOGIN', :'role') \\gexec" --set=role="$role"
                warn role-created "The role $role did not exist and was created without login."
            done <<<"$missing"
            TENANTS=$(printf '%s\n%s\n' "$TENANTS" "$(judged owner missing)" | sed '/^$/d' | sort -u) ;;
        skip)
            printf '%s\n' "$missing" >"$SKIPPED"
            warn roles-skipped "These roles do not exist here; what they owned belongs to the owner of the database, and nothing is granted to them: $(list_names <<<"$missing")." ;;
        esac
    fi
    [ "$RESTORER_KIND" = tenant ] || return 0

    # To whom goes what cannot go to its owner.
    FALLBACK_OWNER=$TARGET_OWNER
    if [ "$OWNER_IS_SUPERUSER" = t ]; then
        if [ "${IS_SUPERUSER[main]:-t}" != t ]; then FALLBACK_OWNER=$MAIN_ACCOUNT; else FALLBACK_OWNER=$(head -n 1 <<<"$TENANTS"); fi
        [ -n "$FALLBACK_OWNER" ] || fail "the database $BACKUP_DATABASE belongs to the superuser $TARGET_OWNER, but objects of the dump to $(judged owner . | list_names): give the database to a role of the application (ALTER DATABASE … OWNER TO), or name the roles that may own its objects in the parameter owner_roles"
    fi
    refused=$(judged owner foreign; judged owner privileged)
    if [ -n "$refused" ] && [ "$MISSING_ROLES" != skip ]; then
        fail "objects of the dump belong to roles that have to do with other databases of this server, or have more rights than an application: $(list_names <<<"$refused"). If they may own objects of $BACKUP_DATABASE, name them in the parameter owner_roles; to give their objects to $FALLBACK_OWNER, set missing_roles to skip"
    fi
    [ -z "$refused" ] || warn owners-changed "These roles may not own objects of this database, so that their objects belong to $FALLBACK_OWNER: $(list_names <<<"$refused")."
    role=$(judged owner superuser)
    [ -z "$role" ] || warn superuser-owned "A restore gives nothing to superusers: what belonged to $(list_names <<<"$role") belongs to $FALLBACK_OWNER."
    { judged owner superuser; printf '%s\n' "$refused"; [ "$MISSING_ROLES" != skip ] || judged owner missing; } | sed '/^$/d' | while IFS= read -r role; do
        printf '%s\t%s\n' "$role" "$FALLBACK_OWNER"
    done >"$GIVEN"
    TENANTS=$(printf '%s\n%s\n' "$TENANTS" "$FALLBACK_OWNER" | sed '/^$/d' | sort -u)
    printf '%s\n' "$TENANTS" >"$TENANT_LIST"
}

# swap wherever an account may create databases and the extensions, in-place otherwise.
choose_mode() {
    local problem
    problem=$(why_no_swap)
    case $MODE in
    auto) if [ -z "$problem" ]; then MODE=swap; else MODE=in-place; say "mode in-place, because $problem"; fi ;;
    swap) [ -z "$problem" ] || fail "mode swap is not possible: $problem" ;;
    esac
    if [ "$MODE" = in-place ] && ! $TARGET_EXISTS; then fail "the database $BACKUP_DATABASE does not exist: create it, or give the instance an account that may create databases"; fi
    [ "$PARALLEL" = 1 ] || [ "$MODE" = swap ] || fail "the parameter parallel needs mode swap: in-place is one transaction"
}

why_no_swap() {
    local names
    if [ "${CAN_CREATE_DATABASES[$ADMIN]}" != t ]; then
        echo "no account of the instance may create databases (ALTER ROLE … CREATEDB)"
        return
    fi
    [ "${IS_SUPERUSER[$ADMIN]}" != t ] || return 0
    names=$(cut -f 1 "$EXTENSIONS" | while IFS= read -r name; do
        [ "$(query "$ADMIN" "$HOME_DATABASE" "SELECT bool_or(trusted OR NOT superuser) FROM pg_available_extension_versions WHERE name = :'name'" --set=name="$name")" = t ] || printf '%s\n' "$name"
    done)
    [ -z "$names" ] || echo "only a superuser can create the extensions $(list_names <<<"$names"), and the account $(user_of "$ADMIN") is none"
}

# Sets RESTORER to an account that has the rights of all whom objects go to, or to a temporary role.
choose_restorer() {
    RESTORER=
    if [ "$RESTORER_KIND" = superuser ]; then
        RESTORER=$ADMIN
        return
    fi
    # Who granted what others had granted: to be named again as the one who did, the restorer has to be able to act as it.
    GRANTORS=$(judged grantor tenant; [ "$MISSING_ROLES" != create ] || judged grantor missing)
    RESTORER=$(account_for "$TENANTS"$'\n'"$GRANTORS")
    [ -z "$RESTORER" ] || return 0
    if [ "${CAN_CREATE_ROLES[$ADMIN]}" = t ]; then
        RESTORER=temporary
        return
    fi
    RESTORER=$(account_for "$TENANTS")
    [ -n "$RESTORER" ] || fail "objects of the dump belong to $(list_names <<<"$TENANTS"), and no account of the instance may act for all of them: restore with the owner's account, grant it these roles, or add an account that may create roles"
}

# Prints the account of the instance that may act for all of the roles and is no more than they are; nothing if none is.
account_for() {
    local account
    for account in main second; do
        [ "${IS_SUPERUSER[$account]:-t}" = f ] || continue
        # An account with more rights than the tenant must not execute what the tenant wrote.
        [ "${CAN_CREATE_ROLES[$account]}" = f ] || [ "$(user_of "$account")" = "$TARGET_OWNER" ] || continue
        if [ "$(ROLES=$1 sql "$account" "$HOME_DATABASE" <<'SQL'
\set roles `printf %s "$ROLES"`
SELECT bool_and(pg_has_role(r.oid, 'USAGE')) FROM unnest(string_to_array(:'roles', E'\n')) AS name LEFT JOIN pg_roles r ON r.rolname = name WHERE name <> '';
SQL
        )" = t ]; then
            printf '%s' "$account"
            return
        fi
    done
}

restoring_roles() { if [ "$RESTORER" = temporary ]; then list_names <<<"$TENANTS"; else user_of "$RESTORER"; fi; }

refuse_superuser_objects() {
    [ "$RESTORER_KIND" = tenant ] || return 0
    local names
    names=$({ sed 's/ - / /' "$BACKUP_DIRECTORY/superuser.list"; sed -n $'s/^all tables\t/PUBLICATION FOR ALL TABLES /p' "$ROLE_LIST"; } | head -n 5 | list_names)
    [ -n "$names" ] || return 0
    if [ "$SUPERUSER_OBJECTS" = skip ]; then
        warn superuser-objects "Only a superuser can create these objects, so that they are not restored: $names."
    else
        fail "only a superuser can create these objects of the dump, and nothing in a dump is executed with the rights of a superuser: $names. To restore without them, set the parameter superuser_objects to skip"
    fi
}

fallback_if_needed() { if [ -s "$GIVEN" ]; then printf '%s' "$FALLBACK_OWNER"; fi; }

# The search path that definitions are run with: the dumped database's, so that functions find what they name without a schema.
# Everything that pg_dump writes names its schema.
search_path_of_dump() {
    sql "$ADMIN" "$HOME_DATABASE" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
SELECT quote_literal(coalesce((SELECT s ->> 'value' FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'settings', '[]')) s
    WHERE s ->> 'role' IS NULL AND s ->> 'name' = 'search_path'), '"$user", public'));
SQL
}

# The definitions of a list, as they are run here.
planned_definitions() {
    local list=$1
    shift
    definitions "$BACKUP_DIRECTORY/$list.list" "$@" | statements -v tenants="$([ "$RESTORER_KIND" = superuser ] || printf %s "$TENANT_LIST")" -v skip="$([ "$RESTORER_KIND" = tenant ] && printf %s "$SUPERUSER_OBJECTS")" -v owners="$GIVEN" -v skipped="$SKIPPED" -v search_path="$SEARCH_PATH" -v transaction="$([ "$MODE" = swap ] || echo 1)"
}
