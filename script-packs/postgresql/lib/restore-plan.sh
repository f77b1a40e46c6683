# shellcheck shell=bash
# Decides how a dump is restored: in which mode, with whose rights, and what becomes of roles and extensions that are not as in the
# dump. Everything that can be refused is refused here, before anything is changed.

ROLE_LIST=$BACKUP_DIRECTORY/roles
JUDGED=$BACKUP_DIRECTORY/judged-roles
GIVEN=$BACKUP_DIRECTORY/given-owners
SKIPPED=$BACKUP_DIRECTORY/skipped-roles
TENANT_LIST=$BACKUP_DIRECTORY/tenants
EXTENSIONS=$BACKUP_DIRECTORY/extensions

# judged USAGE VERDICT: prints the roles of the plan that are used and judged so, each once; both are regular expressions.
judged() {
    local usage verdict name
    local -A seen=()
    while IFS=$'\t' read -r usage verdict name; do
        [[ $usage =~ $1 && $verdict =~ ^($2)$ && -n $name && -z ${seen["=$name"]:-} ]] || continue
        seen["=$name"]=1
        printf '%s\n' "$name"
    done <"$JUDGED"
}

# Prints the names on standard input in one line, separated by commas.
list_names() {
    local name names=
    while IFS= read -r name; do names+="${names:+, }$name"; done
    printf '%s' "$names"
}

plan_restore() {
    : >"$GIVEN"
    : >"$SKIPPED"
    read_definitions >"$ROLE_LIST"
    read_metadata
    judge_roles
    look_at_extensions
    choose_restorer_kind
    settle_roles
    choose_mode
    choose_restorer
    sort_entries "$([ "$RESTORER_KIND" = tenant ] && printf %s "$SUPERUSER_OBJECTS")"
    refuse_superuser_objects
    PLANNED=(-v tenants="$TENANT_LIST" -v skip="$SUPERUSER_OBJECTS" -v owners="$GIVEN" -v skipped="$SKIPPED" -v search_path="$SEARCH_PATH" -v transaction=1)
    [ "$RESTORER_KIND" = tenant ] || PLANNED+=(-v tenants= -v skip=)
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

# Sets TARGET_OWNER, OWNER_IS_SUPERUSER, IS_CONTENT_OF_SUPERUSERS and SEARCH_PATH, and judges the roles of the dump.
#
# The owner of a database that is to be created: the one that the backup names, if that is a role of ours or has to do with no database here;
# otherwise the account of the instance. What a dump says of itself makes no other account its owner.
judge_roles() {
    local plan=$BACKUP_DIRECTORY/plan search_path=$BACKUP_DIRECTORY/search-path
    sql "$ADMIN" "$HOME_DATABASE" --set=target="$BACKUP_DATABASE" --set=main="$MAIN_ACCOUNT" --set=second="$SECOND_ACCOUNT" --set=owner_roles="$OWNER_ROLES" \
        --set=search_path_file="$search_path" --file="$PACK/sql/target-owner.sql" --file="$PACK/sql/roles.sql" >"$plan"
    {
        IFS=$'\t' read -r OWNER_IS_SUPERUSER IS_CONTENT_OF_SUPERUSERS TARGET_OWNER
        cat >"$JUDGED"
    } <"$plan"
    SEARCH_PATH=$(<"$search_path")
    [ -n "$TARGET_OWNER" ] || fail "the database $BACKUP_DATABASE does not exist, and nothing here says to whom it belongs: create it (CREATE DATABASE … OWNER …), or name its owner in the parameter owner_roles"
}

# Whether superusers alone owned what is in the dump. The agent passes metadata only if it is what was recorded at the backup;
# what the dump says of itself proves nothing.
is_content_of_superusers() { $IS_VERIFIED && [ "$IS_CONTENT_OF_SUPERUSERS" = t ]; }

# A superuser restores only what belongs to superusers alone, here and in the dump. Everything else is restored as its owners.
choose_restorer_kind() {
    RESTORER_KIND=tenant
    [ "$OWNER_IS_SUPERUSER" = t ] && [ "${IS_SUPERUSER[$ADMIN]}" = t ] || return 0
    [ -z "$(judged '^owner$' 'tenant|missing|privileged|foreign')" ] || return 0
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
            TENANTS=$(together "$TENANTS" "$(judged owner missing)") ;;
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
        [ -n "$FALLBACK_OWNER" ] || fail "the database $BACKUP_DATABASE belongs to the superuser $TARGET_OWNER, but objects of the dump to $(judged owner '.*' | list_names): give the database to a role of the application (ALTER DATABASE … OWNER TO), or name the roles that may own its objects in the parameter owner_roles"
    fi
    refused=$(judged owner 'foreign|privileged')
    if [ -n "$refused" ] && [ "$MISSING_ROLES" != skip ]; then
        fail "objects of the dump belong to roles that have to do with other databases of this server, or have more rights than an application: $(list_names <<<"$refused"). If they may own objects of $BACKUP_DATABASE, name them in the parameter owner_roles; to give their objects to $FALLBACK_OWNER, set missing_roles to skip"
    fi
    [ -z "$refused" ] || warn owners-changed "These roles may not own objects of this database, so that their objects belong to $FALLBACK_OWNER: $(list_names <<<"$refused")."
    role=$(judged owner superuser)
    [ -z "$role" ] || warn superuser-owned "A restore gives nothing to superusers: what belonged to $(list_names <<<"$role") belongs to $FALLBACK_OWNER."
    judged owner "superuser|foreign|privileged$([ "$MISSING_ROLES" != skip ] || printf '|missing')" | while IFS= read -r role; do
        printf '%s\t%s\n' "$role" "$FALLBACK_OWNER"
    done >"$GIVEN"
    TENANTS=$(together "$TENANTS" "$FALLBACK_OWNER")
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
    names=$(for name in "${EXTENSION_NAMES[@]}"; do [ "${EXTENSION_IS_ORDINARY[$name]}" = t ] || printf '%s\n' "$name"; done)
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
    [ -s "$BACKUP_DIRECTORY/superuser.list" ] || grep -q '^all tables' "$ROLE_LIST" || return 0
    names=$({ sed 's/ - / /' "$BACKUP_DIRECTORY/superuser.list"; sed -n $'s/^all tables\t/PUBLICATION FOR ALL TABLES /p' "$ROLE_LIST"; } | sed -n 1,5p | list_names)
    [ -n "$names" ] || return 0
    if [ "$SUPERUSER_OBJECTS" = skip ]; then
        warn superuser-objects "Only a superuser can create these objects, so that they are not restored: $names."
    else
        fail "only a superuser can create these objects of the dump, and nothing in a dump is executed with the rights of a superuser: $names. To restore without them, set the parameter superuser_objects to skip"
    fi
}

fallback_if_needed() { if [ -s "$GIVEN" ]; then printf '%s' "$FALLBACK_OWNER"; fi; }

# own_statements: what the statements of ours that follow in a session of the restorer begin with, whatever the dump has set there.
own_statements() { printf '%s\n' 'RESET ROLE;' 'RESET client_encoding;' "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false) \\g /dev/null"; }

# placements VERB PREPOSITION: gives owners the rights to create that they need for a while (GRANT TO), or takes them back (REVOKE FROM).
placements() {
    own_statements
    printf '\\set verb %s\n\\set preposition %s\n' "$1" "$2"
    cat "$PACK/sql/placements.sql"
}

# The definitions of a list, as they are run here.
planned_definitions() {
    local list=$BACKUP_DIRECTORY/$1.list
    shift
    [ ! -s "$list" ] || definitions "$list" "$@" | statements "${PLANNED[@]}"
}
