# shellcheck shell=bash
# Extensions of a dump: created by the administrator, before anything of the dump is there that could get in the way of their
# scripts, and only those that are allowed.

# Besides those that PostgreSQL trusts, and those that the live database has.
COMMON_EXTENSIONS="address_standardizer address_standardizer_data_us amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance \
fuzzystrmatch hstore hypopg insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_partman pg_prewarm pg_repack pg_stat_statements pg_trgm pg_visibility pgaudit pgcrypto pgrowlocks pgstattuple \
plpgsql postgis postgis_raster postgis_sfcgal postgis_tiger_geocoder postgis_topology postgres_fdw refint seg sslinfo tablefunc tcn timescaledb tsm_system_rows \
tsm_system_time unaccent uuid-ossp vector xml2"

# create_extensions DATABASE: with the versions of the backup, where the server has them.
create_extensions() {
    local name schema version answer trusted owner creator set_role
    while IFS=$'\t' read -r name schema; do
        [ "$name" != plpgsql ] || continue
        require_allowed_extension "$name"
        IFS=$'\t' read -r version answer trusted owner < <(extension_version "$name") || true
        [ "$answer" != missing ] || fail "the dump needs the extension $name, which is not installed on this server"
        [ "$answer" != other ] || warn extension-version "The extension $name is created in version $version: the server does not have the one of the backup."
        creator=$ADMIN set_role=
        # What the tenant created, and could drop or update, it still can. A trusted extension needs no more than that.
        if [ "$RESTORER" != "$ADMIN" ] && [ "$trusted" = t ] && grep -qxF -- "$owner" <<<"$TENANTS"; then creator=$RESTORER set_role=$owner; fi
        sql "$creator" "$1" --set=role="$set_role" --set=name="$name" --set=schema="$schema" --set=version="$version" --file="$PACK/sql/create-extension.sql" >/dev/null 2>"$ERRORS" ||
            fail_with "$ERRORS" "the account $(user_of "$ADMIN") could not create the extension $name"
    done <"$EXTENSIONS"
}

# Prints the version to create, and whether it is the one of the backup: same, other, default (the backup does not
# say), missing; whether PostgreSQL trusts the extension; and who owned it.
extension_version() {
    sql "$ADMIN" "$HOME_DATABASE" --set=name="$1" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
WITH wanted AS (SELECT e ->> 'version' AS version, e ->> 'owner' AS owner FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'extensions', '[]')) e WHERE e ->> 'name' = :'name'),
available AS (SELECT version FROM pg_available_extension_versions WHERE name = :'name')
SELECT CASE WHEN wanted.version IN (SELECT version FROM available) THEN wanted.version ELSE coalesce(a.default_version, '-') END,
    CASE WHEN a.name IS NULL THEN 'missing' WHEN wanted.version IS NULL THEN 'default' WHEN wanted.version IN (SELECT version FROM available) THEN 'same' ELSE 'other' END,
    (SELECT bool_or(trusted) FROM pg_available_extension_versions WHERE name = :'name'), coalesce(wanted.owner, '-')
FROM (SELECT 1) one LEFT JOIN pg_available_extensions a ON a.name = :'name' LEFT JOIN wanted ON true;
SQL
}

require_allowed_extension() {
    local allowed
    for allowed in $COMMON_EXTENSIONS ${ALLOWED_EXTENSIONS//,/ }; do
        [ "$1" != "$allowed" ] && [ "$allowed" != '*' ] || return 0
    done
    [ "$RESTORER_KIND" != superuser ] || return 0
    [ "$(query "$ADMIN" "$HOME_DATABASE" "SELECT bool_or(trusted) FROM pg_available_extension_versions WHERE name = :'name'" --set=name="$1")" != t ] || return 0
    if $TARGET_EXISTS && [ "$(query "$ADMIN" "$BACKUP_DATABASE" "SELECT count(*) FROM pg_extension WHERE extname = :'name'" --set=name="$1")" = 1 ]; then return 0; fi
    fail "the dump needs the extension $1, which is not among those that a restore may create: if it is harmless in the hands of the database's users, name it in the parameter allowed_extensions"
}

# hand_extensions_over DATABASE OWNER: what the administrator created for extensions, as the users of the backup had it: schemas belong to
# the restorer, like those that it creates itself, and grants are there before the definitions, some of which need them.
hand_extensions_over() {
    [ "$RESTORER" = "$ADMIN" ] || query "$ADMIN" "$1" "SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'owner') FROM pg_namespace
        WHERE oid >= 16384 AND nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND nspname = ANY (string_to_array(:'schemas', E'\n')) \\gexec" \
        --set=owner="$2" --set=schemas="$(awk -F '\t' '$1 == "schema" { print $2 }' "$ROLE_LIST")" 2>"$ERRORS" || fail_with "$ERRORS" "the schemas of extensions could not be given to $2"
    # What fails here is found again by warn_of_grants.
    sql "$ADMIN" "$1" --set=ON_ERROR_STOP=0 --file="$PACK/sql/extension-details.sql" >/dev/null 2>"$ERRORS" || true
    cat "$ERRORS" >&2
}
