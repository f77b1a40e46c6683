# shellcheck shell=bash
# The checks of a restore drill.

ERRORS=$BACKUP_DIRECTORY/errors

# Runs the statement on standard input and prints its rows, columns parted by tabs. It goes to the server as it is: psql reads nothing of
# it, so that no command of psql is among it. The settings of the database apply, its search_path for example.
run_statement() {
    local statement account
    statement=$(cat)
    [[ ! $statement =~ ^[[:space:]]*\\ ]] || fail "a check must be SQL: it begins with a backslash"
    account=$(plain_account)
    if [ -z "$account" ]; then
        create_checking_role
        account=temporary
    fi
    PGDATABASE=$BACKUP_DATABASE as "$account" env PGOPTIONS='-c client_min_messages=warning -c datestyle=ISO -c bytea_output=hex' \
        psql --no-psqlrc --no-password --quiet --tuples-only --no-align --field-separator=$'\t' \
        --set=ON_ERROR_STOP=1 --set=VERBOSITY=default --set=SHOW_CONTEXT=never --command="$statement" 2>"$ERRORS" ||
        fail_with "$ERRORS" "the statement failed"
    cat "$ERRORS" >&2
}

# The account that is no superuser and may connect, if there is one.
plain_account() {
    local account
    for account in main ${SECOND_ACCOUNT:+second}; do
        if [ "${IS_SUPERUSER[$account]:-t}" = f ] && can_connect "$account" "$BACKUP_DATABASE"; then
            printf '%s' "$account"
            return
        fi
    done
}

# Where superusers alone are known: a role with the rights of the owner of the database, or one that may read and nothing else.
create_checking_role() {
    local owner
    owner=$(query "$ADMIN" "$HOME_DATABASE" "SELECT rolname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE datname = :'target' AND NOT rolsuper" --set=target="$BACKUP_DATABASE")
    if [ -z "$owner" ]; then
        [ "$SERVER_MAJOR" -ge 14 ] || fail "a superuser owns the restored database, and the drill instance has accounts of superusers alone: give it one that is none"
        owner=pg_read_all_data
    fi
    TEMPORARY_ROLE=$CHECKING_ROLE
    # Where this script is killed, restore-cleanup.sh drops it.
    trap drop_checking_role EXIT
    : >"$BACKUP_DIRECTORY/checking-role"
    create_temporary_role "$owner" >/dev/null
}

drop_checking_role() {
    drop_temporary_role >/dev/null && rm -f "$BACKUP_DIRECTORY/checking-role"
}

# Compares the tables with what count_rows recorded in the metadata.
compare_row_counts() {
    local recorded=$BACKUP_DIRECTORY/recorded-rows found=$BACKUP_DIRECTORY/found-rows wrong
    [ -s "$BACKUP_METADATA" ] || printf '{}' >"$BACKUP_METADATA"
    sql "$ADMIN" "$HOME_DATABASE" >"$recorded" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
SELECT 'recorded', 'rows' WHERE jsonb_typeof(:'metadata'::jsonb -> 'rowCounts') = 'object'
UNION ALL SELECT * FROM jsonb_each_text(coalesce(:'metadata'::jsonb -> 'rowCounts', '{}'));
SQL
    grep -q $'^recorded\trows$' "$recorded" ||
        fail "the backup recorded no row counts that could be verified: set the parameter count_rows of the service instance to true, and back up again"
    sed -i $'/^recorded\trows$/d' "$recorded"
    sql "$ADMIN" "$BACKUP_DATABASE" --file="$PACK/sql/count-rows.sql" >"$found" 2>"$ERRORS" || fail_with "$ERRORS" "the rows of the restored database could not be counted"
    LC_ALL=C sort -o "$recorded" "$recorded"
    LC_ALL=C sort -o "$found" "$found"
    wrong=$(LC_ALL=C join -t $'\t' -a 1 -e none -o 0,1.2,2.2 "$recorded" "$found" | awk -F '\t' '$2 != $3 { print $1 ": " $3 " instead of " $2 }')
    [ -z "$wrong" ] || fail "tables have other row counts than at the backup: $(head -n 10 <<<"$wrong" | paste -sd ';' | sed 's/;/; /g')"
    printf '%s tables have as many rows as at the backup\n' "$(wc -l <"$recorded")"
}
