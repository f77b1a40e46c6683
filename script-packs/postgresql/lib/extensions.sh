# shellcheck shell=bash
# Extensions of a dump: created by the administrator, before anything of the dump is there that could get in the way of their
# scripts, and only those that are allowed.

# Besides those that PostgreSQL trusts, and those that the live database has.
COMMON_EXTENSIONS="address_standardizer address_standardizer_data_us amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance \
fuzzystrmatch hstore hypopg insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_partman pg_prewarm pg_repack pg_stat_statements pg_trgm pg_visibility pgaudit pgcrypto pgrowlocks pgstattuple \
plpgsql postgis postgis_raster postgis_sfcgal postgis_tiger_geocoder postgis_topology postgres_fdw refint seg sslinfo tablefunc tcn timescaledb tsm_system_rows \
tsm_system_time unaccent uuid-ossp vector xml2"

declare -A EXTENSION_VERSION EXTENSION_ANSWER EXTENSION_IS_TRUSTED EXTENSION_IS_ORDINARY EXTENSION_OWNER EXTENSION_SCHEMA
EXTENSION_NAMES=()

# Reads what extensions.sql says of the extensions of the dump, except plpgsql, which every database has.
look_at_extensions() {
    local version answer trusted ordinary name owner schema
    [ -s "$EXTENSIONS" ] || return 0
    sql "$ADMIN" "$HOME_DATABASE" --file="$PACK/sql/extensions.sql" >"$EXTENSIONS.found"
    while IFS=$'\t' read -r version answer trusted ordinary name owner schema; do
        [ "$name" != plpgsql ] || continue
        EXTENSION_NAMES+=("$name")
        EXTENSION_VERSION["$name"]=$version EXTENSION_ANSWER["$name"]=$answer EXTENSION_IS_TRUSTED["$name"]=$trusted
        EXTENSION_IS_ORDINARY["$name"]=$ordinary EXTENSION_OWNER["$name"]=$owner EXTENSION_SCHEMA["$name"]=$schema
    done <"$EXTENSIONS.found"
}

# create_extensions DATABASE: with the versions of the backup, where the server has them.
create_extensions() {
    local name version creator set_role
    for name in "${EXTENSION_NAMES[@]}"; do
        version=${EXTENSION_VERSION["$name"]}
        require_allowed_extension "$name"
        [ "${EXTENSION_ANSWER["$name"]}" != missing ] || fail "the dump needs the extension $name, which is not installed on this server"
        [ "${EXTENSION_ANSWER["$name"]}" != other ] || warn extension-version "The extension $name is created in version $version: the server does not have the one of the backup."
        creator=$ADMIN set_role=
        # What the tenant created, and could drop or update, it still can. A trusted extension needs no more than that.
        if [ "$RESTORER" != "$ADMIN" ] && [ "${EXTENSION_IS_TRUSTED["$name"]}" = t ] && grep -qxF -- "${EXTENSION_OWNER["$name"]}" <<<"$TENANTS"; then
            creator=$RESTORER set_role=${EXTENSION_OWNER["$name"]}
        fi
        create_extension "$creator" "$1" "$set_role" "$name" ||
            fail_with "$ERRORS" "the account $(user_of "$ADMIN") could not create the extension $name"
    done
}

# create_extension ACCOUNT DATABASE ROLE NAME
create_extension() {
    sql "$1" "$2" --set=role="$3" --set=name="$4" --set=schema="${EXTENSION_SCHEMA["$4"]}" --set=version="${EXTENSION_VERSION["$4"]}" \
        --file="$PACK/sql/create-extension.sql" >/dev/null 2>"$ERRORS"
}

require_allowed_extension() {
    local allowed
    for allowed in $COMMON_EXTENSIONS ${ALLOWED_EXTENSIONS//,/ }; do
        [ "$1" != "$allowed" ] && [ "$allowed" != '*' ] || return 0
    done
    [ "$RESTORER_KIND" != superuser ] || return 0
    [ "${EXTENSION_IS_TRUSTED["$1"]}" != t ] || return 0
    if $TARGET_EXISTS && [ "$(query "$ADMIN" "$BACKUP_DATABASE" "SELECT count(*) FROM pg_extension WHERE extname = :'name'" --set=name="$1")" = 1 ]; then return 0; fi
    fail "the dump needs the extension $1, which is not among those that a restore may create: if it is harmless in the hands of the database's users, name it in the parameter allowed_extensions"
}

# hand_extensions_over DATABASE OWNER: what the administrator created for extensions, as the users of the backup had it: schemas belong to
# the restorer, like those that it creates itself, and grants are there before the definitions, some of which need them.
hand_extensions_over() {
    [ ${#EXTENSION_NAMES[@]} != 0 ] || return 0
    [ "$RESTORER" = "$ADMIN" ] || query "$ADMIN" "$1" "SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'owner') FROM pg_namespace
        WHERE oid >= 16384 AND nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND nspname = ANY (string_to_array(:'schemas', E'\n')) \\gexec" \
        --set=owner="$2" --set=schemas="$(awk -F '\t' '$1 == "schema" { print $2 }' "$ROLE_LIST")" 2>"$ERRORS" || fail_with "$ERRORS" "the schemas of extensions could not be given to $2"
    # What fails here is found again by warn_of_grants.
    sql "$ADMIN" "$1" --set=ON_ERROR_STOP=0 --file="$PACK/sql/extension-details.sql" >/dev/null 2>"$ERRORS" || true
    cat "$ERRORS" >&2
}
