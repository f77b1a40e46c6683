#!/usr/bin/env bash
# Fails early where a dump would fail late, or would silently lack something.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
require_user_database
use_reading_account
dump=$(program mariadb-dump mysqldump)

server=$(query 'SELECT version()')
[ "$(query "SELECT count(*) FROM information_schema.schemata WHERE schema_name = $DATABASE_LITERAL")" = 1 ] ||
    fail "there is no database $BACKUP_DATABASE, or the account may not see it"

# A client that is older than its server dumps what it knows, and nothing else.
client=$("$dump" --version | sed -nE 's/.*(Distrib|from) ([0-9]+\.[0-9]+).*/\2/p')
series=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$server")
[ -n "$client" ] || fail "the version of $dump is not known: $("$dump" --version)"
[ "$(printf '%s\n%s\n' "$client" "$series" | sort -V | tail -n 1)" = "$client" ] ||
    fail "$dump is of version $client and older than the server, $server: install the client of $series or newer"

# What an account may not see is missing in the dump without an error: rights are compared, not objects.
privileges=$(query "
    SELECT privilege_type FROM information_schema.user_privileges WHERE grantee IN (
        concat('''', replace(substring_index(current_user(), '@', 1), '''', ''''''), '''@''', substring_index(current_user(), '@', -1), ''''), concat('''', current_role(), '''@''''') )
    UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE $DATABASE_LITERAL LIKE table_schema AND grantee IN (
        concat('''', replace(substring_index(current_user(), '@', 1), '''', ''''''), '''@''', substring_index(current_user(), '@', -1), ''''), concat('''', current_role(), '''@''''') )")
missing=()
for privilege in SELECT 'SHOW VIEW' TRIGGER EVENT; do
    grep -qxF "$privilege" <<<"$privileges" || missing+=("$privilege")
done
if ! query 'SELECT 1 FROM mysql.proc LIMIT 0' 2>/dev/null; then
    grep -qxF EXECUTE <<<"$privileges" || missing+=("SELECT on mysql.proc")
    hidden=$(query "SELECT count(*) FROM information_schema.routines WHERE routine_schema = $DATABASE_LITERAL AND routine_definition IS NULL")
    [ "$hidden" = 0 ] || missing+=("SELECT on mysql.proc, to read $hidden routines of other accounts")
fi
if [ ${#missing[@]} != 0 ]; then
    list=$(printf '%s, ' "${missing[@]}")
    fail "the account lacks rights without which the dump would be incomplete: ${list%, }"
fi

engines=$(query "
    SELECT concat(table_name, ' (', engine, ')') FROM information_schema.tables
    WHERE table_schema = $DATABASE_LITERAL AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND engine NOT IN ('InnoDB', 'ROCKSDB', 'TokuDB') ORDER BY 1")
if [ -n "$engines" ]; then
    names=$(head -n 10 <<<"$engines" | paste -sd ',' | sed 's/,/, /g')
    case ${BACKUP_PARAMETER_NON_TRANSACTIONAL:-fail} in
    fail) fail "tables have no transactions, so they cannot be dumped consistently while they are written to: $names. Convert them to InnoDB, or set the parameter non_transactional to lock or allow" ;;
    lock) grep -qxF 'LOCK TABLES' <<<"$privileges" || fail "the account lacks LOCK TABLES, which non_transactional=lock needs" ;;
    allow) warn not-transactional "Tables without transactions may be inconsistent in the dump: $names." ;;
    esac
fi

versioned=$(query "SELECT count(*) FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL AND table_type = 'SYSTEM VERSIONED'")
if [ "$versioned" != 0 ] && ! grep -q -- --dump-history <<<"$("$dump" --no-defaults --help)"; then
    fail "$versioned tables are system-versioned, and $dump cannot dump their history: install the client of MariaDB 10.11 or newer"
fi

read -r tables _ views triggers routines events <<<"$(object_counts)"
say "server $server, client $client: $tables tables, $views views, $triggers triggers, $routines routines, $events events"
echo "expectedSizeBytes=$(query "SELECT coalesce(sum(data_length), 0) FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL")"
