# shellcheck shell=bash
# Databases that restores left beside the one they replaced. Their comments say what they are: 'osb-backup: {"previous": "shop", …}'.

# list_expired_databases ACCOUNT DATABASE: prints whether the account may create databases, and below, a line each, the databases that belong
# to BACKUP_DATABASE and are not needed any more: previous ones past their time, and copies of restores that began more than two days ago
# and that has no connections.
list_expired_databases() {
    query "$1" "$2" "
        SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user;
        SELECT datname FROM (
            SELECT d.oid, d.datname, d.datdba, substr(shobj_description(d.oid, 'pg_database'), 13)::jsonb AS note FROM pg_database d
            WHERE shobj_description(d.oid, 'pg_database') ~ '^osb-backup: [{].*[}]\$') marked
        WHERE note ->> 'previous' = :'target' AND (note ->> 'keepUntil')::timestamptz <= now()
            OR note ->> 'restoring' = :'target' AND (note ->> 'since')::timestamptz < now() - interval '2 days'
                AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = marked.oid)" --set=target="$BACKUP_DATABASE"
}

# drop_expired_databases ACCOUNT…: drops them, where one of the accounts may. Sets MAY_CREATE of those that were asked.
declare -A MAY_CREATE
drop_expired_databases() {
    local account name names
    for account in "$@"; do
        names=$(list_expired_databases "$account" "$MAINTENANCE_DATABASE" 2>/dev/null) || continue
        MAY_CREATE[$account]=${names%%$'\n'*}
        # The others would see none either.
        [[ $names == *$'\n'* ]] || return 0
        while IFS= read -r name; do
            [ -n "$name" ] || continue
            if drop_database "$account" "$name" 2>"$BACKUP_DIRECTORY/errors"; then
                say "dropped the database $name, which a restore had replaced"
            fi
        done <<<"${names#*$'\n'}"
    done
}

# drop_database ACCOUNT NAME: with the sessions in it. Nothing where there is none.
drop_database() {
    sql "$1" "$MAINTENANCE_DATABASE" --set=name="$2" <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' AND current_setting('server_version_num')::int < 130000 \g /dev/null
SELECT format('DROP DATABASE IF EXISTS %I %s', :'name', CASE WHEN current_setting('server_version_num')::int >= 130000 THEN 'WITH (FORCE)' ELSE '' END) \gexec
SQL
}
