# shellcheck shell=bash
# Mode swap: restores into a new database, and puts it in the place of the live one at the end. A failure, at whatever step, leaves the
# live database as it is; restore-cleanup.sh drops the new one.

ERRORS=$BACKUP_DIRECTORY/errors
STEPS=$BACKUP_DIRECTORY/steps

restore_by_swap() {
    local staging_owner
    if [ "$RESTORER" = temporary ]; then
        create_temporary_role "$TENANTS" "$GRANTORS"
        staging_owner=$TEMPORARY_ROLE
    else
        staging_owner=$(user_of "$RESTORER")
    fi
    create_staging_database "$staging_owner"
    if [ ${#EXTENSION_NAMES[@]} != 0 ]; then
        run_as_restorer prepare
        create_extensions "$STAGING_DATABASE"
        hand_extensions_over "$STAGING_DATABASE" "$staging_owner"
    fi
    run_as_restorer before_rows
    load_rows
    run_as_restorer after_rows
    # In a session of its own: what comes first in it is not undone by anything that the definitions left open.
    run_as_restorer last_definitions
    finish_content
    settle_database
    exchange_databases
}

# Where an owner of objects has no right to create in their schema, it gets it until the grants of the dump are restored.
prepare() { step "giving owners the right to create in their schemas" && placements GRANT TO; }

before_rows() {
    prepare &&
        step "creating the schemas" && planned_definitions schemas &&
        prepare &&
        step "creating tables, functions and types" && planned_definitions main --section=pre-data
}

after_rows() { step "creating indexes, constraints and triggers" && planned_definitions main --section=post-data; }

# A grant that the restorer cannot make is reported and does not end the restore: the data is there.
last_definitions() {
    step "taking back rights that were needed for a while" && placements REVOKE FROM &&
        step "restoring grants" && echo '\set ON_ERROR_STOP off' && planned_definitions acl && echo '\set ON_ERROR_STOP on' &&
        step "refreshing materialized views" && planned_definitions last &&
        step "restoring the settings of the database" && own_statements && cat "$PACK/sql/apply-settings.sql"
}

# step TEXT: what is restored next, for the message if it fails.
step() { printf "\\\\echo 'step: %s'\n" "$1"; }

# run_as_restorer FUNCTION: runs the SQL that a function prints, as the restorer, in the new database.
run_as_restorer() {
    local step
    { "$1" | sql "$RESTORER" "$STAGING_DATABASE" --set=tenants="$TENANTS" --set=everywhere="$(fallback_if_needed)" --set=name="$STAGING_DATABASE" \
        --set=target="$BACKUP_DATABASE" --set=as=tenant --file=- >"$STEPS"; } 2>"$ERRORS" || {
        step=$(sed -n 's/^step: //p' "$STEPS" | tail -n 1)
        fail_with "$ERRORS" "the restore failed while ${step:-connecting to the new database}"
    }
    cat "$ERRORS" >&2
}

create_staging_database() {
    local create=(sql "$ADMIN" "$HOME_DATABASE" --set=name="$STAGING_DATABASE" --set=target="$BACKUP_DATABASE" --set=owner="$1" --set=job="$BACKUP_JOB_ID")
    if ! "${create[@]}" --set=with_locale=true --file="$PACK/sql/create-database.sql" >/dev/null 2>"$ERRORS"; then
        grep -qiE 'locale|collation' "$ERRORS" || fail_with "$ERRORS" "the account $(user_of "$ADMIN") could not create a database"
        warn locale "This server does not know the locale of the dumped database ($(quote_errors "$ERRORS" | head -n 1)): its default is used, and texts may sort in another order."
        "${create[@]}" --set=with_locale=false --file="$PACK/sql/create-database.sql" >/dev/null 2>"$ERRORS" ||
            fail_with "$ERRORS" "the account $(user_of "$ADMIN") could not create a database"
    fi
}

load_rows() {
    local options=(--section=data --use-list="$BACKUP_DIRECTORY/main.list" --exit-on-error --no-password --no-tablespaces --dbname="$(dbname_of "$STAGING_DATABASE")")
    if [ "$PARALLEL" -gt 1 ]; then
        archive >"$BACKUP_DIRECTORY/spool" 2>"$ERRORS" || fail_with "$ERRORS" "the dump could not be put on disk, which the parameter parallel needs"
        as "$RESTORER" pg_restore --jobs="$PARALLEL" "${options[@]}" "$BACKUP_DIRECTORY/spool" 2>"$ERRORS" || fail_with "$ERRORS" "the restore failed while loading rows"
        # Indexes and constraints are where several jobs help most; whatever else comes after the rows follows one by one.
        awk '{ entry = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", entry) } entry ~ /^(INDEX|CONSTRAINT|FK CONSTRAINT|INDEX ATTACH) /' "$BACKUP_DIRECTORY/main.list" >"$BACKUP_DIRECTORY/heavy.list"
        options[0]=--section=post-data options[1]=--use-list="$BACKUP_DIRECTORY/heavy.list"
        as "$RESTORER" pg_restore --jobs="$PARALLEL" "${options[@]}" "$BACKUP_DIRECTORY/spool" 2>"$ERRORS" || fail_with "$ERRORS" "the restore failed while creating indexes and constraints"
        rm -f "$BACKUP_DIRECTORY/spool"
        awk 'NR == FNR { done[$0] = 1; next } !($0 in done)' "$BACKUP_DIRECTORY/heavy.list" "$BACKUP_DIRECTORY/main.list" >"$BACKUP_DIRECTORY/rest.list"
        mv "$BACKUP_DIRECTORY/rest.list" "$BACKUP_DIRECTORY/main.list"
        return
    fi
    # The input is read to its end whatever pg_restore needs of it: only there the agent says that the dump was whole.
    archive | {
        as "$RESTORER" pg_restore "${options[@]}" 2>"$ERRORS"
        status=$?
        cat >/dev/null
        exit "$status"
    } || fail_with "$ERRORS" "the restore failed while loading rows"
    cat "$ERRORS" >&2
}

# warn_of_grants DATABASE LOST: what of the grants failed. Those on objects of extensions count only where the role does not have the right
# all the same: the administrator has granted them. They are in LOST, as lost-extension-grants.sql prints them.
warn_of_grants() {
    local lost
    lost=$(sed -nE 's/^psql:[^:]*:[0-9]+: ERROR: +//p; s/^psql:[^:]*:[0-9]+: WARNING: +(no privileges|not all privileges)/\1/p' "$ERRORS" | sort | uniq -c | sort -rn | while read -r count message; do
        if [[ $message =~ ^(permission\ denied\ for|no\ privileges\ were\ granted\ for|must\ be\ owner\ of)\ ([a-z -]*\ )?\"?([^\"]+)\"?$ ]]; then
            [ "$(query "$ADMIN" "$1" "SELECT count(*) FROM pg_depend d CROSS JOIN pg_identify_object(d.classid, d.objid, 0) i
                WHERE d.deptype = 'e' AND (i.name = quote_ident(:'name') OR strpos(i.identity, '.' || quote_ident(:'name') || '(') > 0)" --set=name="${BASH_REMATCH[3]}")" = 0 ] || continue
        fi
        printf '%s%s; ' "$message" "$([ "$count" = 1 ] || printf ' (%s times)' "$count")"
    done)
    lost+=$2
    [ -z "$lost" ] || warn grants "Some grants could not be restored with the rights of the owners: ${lost%; }."
}

# What pg_restore was to create is there, and no index is invalid. What the temporary role still owns goes to the owner of the database.
finish_content() {
    local content=$BACKUP_DIRECTORY/content counts tables views routines found wanted finish=()
    [ "$RESTORER" != temporary ] || finish=(--set=role="$TEMPORARY_ROLE" --set=owner="$FALLBACK_OWNER" --file="$PACK/sql/reassign.sql")
    cp "$ERRORS" "$ERRORS.grants"
    sql "$ADMIN" "$STAGING_DATABASE" --file="$PACK/sql/verify.sql" --file="$PACK/sql/lost-extension-grants.sql" "${finish[@]}" </dev/null >"$content" 2>"$ERRORS" ||
        fail_with "$ERRORS" "the restored database cannot be read, or its objects could not be given to ${FALLBACK_OWNER:-their owner}"
    IFS=$'\t' read -r tables views routines <"$content"
    found="$tables tables, $views views, $routines routines"
    read -r tables views routines < <(dump_counts)
    wanted="$tables tables, $views views, $routines routines"
    [ "$found" = "$wanted" ] || fail "the restored database has $found, the dump $wanted: the restore is not complete"
    mv "$ERRORS.grants" "$ERRORS"
    warn_of_grants "$STAGING_DATABASE" "$(sed 1d "$content")"
}

# Owner, settings and grants of the new database.
settle_database() {
    local lost
    settle_at_home "$STAGING_DATABASE" --set=owner="$TARGET_OWNER" --file="$PACK/sql/give-database.sql" --file="$PACK/sql/apply-settings.sql" --file="$PACK/sql/finish-database.sql"
    while IFS= read -r lost; do
        warn grants "The role $lost does not exist here, so that it has no rights on the database."
    done <"$BACKUP_DIRECTORY/lost-grants"
}

# settle_at_home DATABASE psql-option…: statements of the administrator about a database. Warns of the settings that the tenant may not make
# itself and that could not be restored.
settle_at_home() {
    local name=$1 lost
    shift
    sql "$ADMIN" "$HOME_DATABASE" --set=name="$name" --set=target="$BACKUP_DATABASE" --set=as=admin --set=tenants="$(judged setting tenant)" \
        "$@" </dev/null >"$BACKUP_DIRECTORY/lost-grants" 2>"$ERRORS" || fail_with "$ERRORS" "owner, settings and grants of the database could not be restored"
    sed -nE 's/^psql:[^:]*:[0-9]+: WARNING: +setting (.*)$/\1/p' "$ERRORS" | while IFS= read -r lost; do
        warn setting "A setting of the database was not restored: $lost."
    done
}

exchange_databases() {
    local previous='' deadline=$((SECONDS + LOCK_TIMEOUT)) was_empty=false target_oid=0 sessions=1 facts
    if $TARGET_EXISTS; then
        if is_empty_database; then was_empty=true; fi
        facts=$(query "$ADMIN" "$HOME_DATABASE" "
            SELECT oid, (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid),
                (SELECT left(:'target', n) FROM generate_series(36, 1, -1) n WHERE octet_length(left(:'target', n)) <= 36 LIMIT 1)
                || '_before_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD_HH24MISSMS')
            FROM pg_database d WHERE datname = :'target'" --set=target="$BACKUP_DATABASE")
        IFS=$'\t' read -r target_oid sessions previous <<<"$facts"
    fi
    # The renaming locks the database, so that no new session begins, and waits up to five seconds for the sessions in it to leave. That is
    # when they are ended, rather than before, when they would come again.
    while :; do
        if [ "$TERMINATE_SESSIONS" != false ] && [ "$sessions" != 0 ]; then start_ending_sessions "$target_oid"; fi
        if sql "$ADMIN" "$HOME_DATABASE" --set=name="$STAGING_DATABASE" --set=target="$BACKUP_DATABASE" --set=previous="$previous" \
            --set=keep_hours="$KEEP_PREVIOUS_HOURS" --set=job="$BACKUP_JOB_ID" --file="$PACK/sql/exchange.sql" >/dev/null 2>"$ERRORS"; then break; fi
        stop_ending_sessions
        sessions=1
        grep -q 'being accessed by other users' "$ERRORS" || fail_with "$ERRORS" "the restored database could not take the place of $BACKUP_DATABASE"
        [ "$SECONDS" -lt "$deadline" ] ||
            fail "the restored database could not take the place of $BACKUP_DATABASE, which is in use by: $(sql "$ADMIN" "$HOME_DATABASE" --set=target="$BACKUP_DATABASE" --file="$PACK/sql/sessions.sql" | head -n 5 | paste -sd ';' | sed 's/;/; /g')$([ "$TERMINATE_SESSIONS" != false ] || printf ' (the parameter terminate_sessions forbids to end them)')"
        sleep 0.2
    done
    stop_ending_sessions
    say "the restored database is in the place of $BACKUP_DATABASE"
    [ -n "$previous" ] || return 0
    if $was_empty || [ "$KEEP_PREVIOUS_HOURS" = 0 ]; then
        drop_database "$ADMIN" "$previous" 2>"$ERRORS" || warn previous "The previous database is kept as $previous: it could not be dropped ($(quote_errors "$ERRORS" | head -n 1))."
    else
        say "the previous database is kept for $KEEP_PREVIOUS_HOURS hours as $previous"
    fi
}

# start_ending_sessions OID: each account ends the sessions in the database that it may.
ENDERS=()
start_ending_sessions() {
    local account
    for account in main ${SECOND_ACCOUNT:+second}; do
        [ -n "${IS_SUPERUSER[$account]:-}" ] || continue
        sql "$account" "$HOME_DATABASE" --set=target="$1" --set=name="$BACKUP_DATABASE" --file="$PACK/sql/end-sessions.sql" >/dev/null 2>&1 </dev/null &
        ENDERS+=($!)
    done
}

stop_ending_sessions() {
    [ ${#ENDERS[@]} = 0 ] || kill "${ENDERS[@]}" 2>/dev/null || true
    wait "${ENDERS[@]}" 2>/dev/null || true
    ENDERS=()
}

is_empty_database() {
    [ "$(sql "$ADMIN" "$BACKUP_DATABASE" <<'SQL'
\set objects `cat "$PACK/sql/objects.sql"`
WITH :objects SELECT count(*) FROM objects;
SQL
    )" = 0 ]
}
