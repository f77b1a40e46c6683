# shellcheck shell=bash
# How psql, pg_dump and pg_restore connect: over the environment and not over arguments, which every user of the machine
# can read. Two accounts may be given. The main one is the username of the service instance; the second one is its
# backupUsername. Which of them owns the database and which one is privileged is found out, not assumed.
: "${BACKUP_HOST:?}" "${BACKUP_USERNAME:?}" "${BACKUP_DATABASE:?}"

# Nothing of the environment of the agent decides where we connect or how.
for name in $(compgen -e PG); do unset "$name"; done

export PGHOST=$BACKUP_HOST
parameter socket_directory SOCKET_DIRECTORY ''
if [ -n "$socket_directory" ]; then export PGHOST=$socket_directory; fi
export PGPORT=${BACKUP_PORT:-5432}
[ "$PGPORT" != 0 ] || PGPORT=5432
export PGAPPNAME="osb-backup $BACKUP_JOB_ID"
export PGAPPNAME=${PGAPPNAME:0:63}
export PGCONNECT_TIMEOUT=$CONNECT_TIMEOUT
choice PGSSLMODE SSLMODE prefer disable allow require verify-ca verify-full
export PGSSLMODE
parameter sslrootcert SSLROOTCERT ''
if [ -n "$sslrootcert" ]; then
    [ "$sslrootcert" = system ] || [ -r "$sslrootcert" ] || fail "the parameter sslrootcert names $sslrootcert, which cannot be read on the agent's machine"
    export PGSSLROOTCERT=$sslrootcert
fi
SERVER_VERSION=
# What an earlier script of the job found. Another server may answer by now: it is only what is tried first.
VERSION_FILE=$BACKUP_DIRECTORY/server-version
# Messages in English, which is what advice and quote_errors read.
export LC_ALL=C
# No password of the agent's account is used by accident.
export PGPASSFILE=$BACKUP_DIRECTORY/no-passwords PGSERVICEFILE=$BACKUP_DIRECTORY/no-services

# "none" is how the manager says that there is none: the server then has to let the account in without (peer, certificates).
given() { [ -n "${1:-}" ] && [ "$1" != none ]; }

MAIN_ACCOUNT=$BACKUP_USERNAME
SECOND_ACCOUNT=${BACKUP_BACKUP_USERNAME:-}
given "$SECOND_ACCOUNT" || SECOND_ACCOUNT=

# Settings of a session that roles and databases may have other ideas about. A search_path of pg_catalog alone keeps functions
# and operators of the database's users out of our statements. Sets SESSION_OPTIONS.
session_options() {
    local options="-c search_path=pg_catalog,pg_temp -c role=none -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
    options+=" -c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off"
    options+=" -c client_min_messages=warning -c bytea_output=hex -c datestyle=ISO -c standard_conforming_strings=on"
    options+=" -c lock_timeout=${LOCK_TIMEOUT}s -c default_tablespace= -c temp_tablespaces= -c row_security=on"
    # 14 has what older servers refuse to hear of.
    if [ "${SERVER_VERSION:-0}" -ge 140000 ]; then options+=" -c idle_session_timeout=0"; fi
    if [ "${SERVER_VERSION:-0}" -ge 170000 ]; then options+=" -c transaction_timeout=0"; fi
    SESSION_OPTIONS=$options
}

# as ACCOUNT COMMAND…: runs a program of PostgreSQL as main, second, or the temporary role of a restore.
as() {
    local account=$1 user password
    shift
    case $account in
    main) user=$MAIN_ACCOUNT password=${BACKUP_PASSWORD:-} ;;
    second) user=$SECOND_ACCOUNT password=${BACKUP_BACKUP_PASSWORD:-} ;;
    temporary) user=$TEMPORARY_ROLE password=$TEMPORARY_PASSWORD ;;
    *) fail "there is no account $account" ;;
    esac
    session_options
    local environment=(PGUSER="$user" PGOPTIONS="$SESSION_OPTIONS")
    if given "$password"; then environment+=(PGPASSWORD="$password"); fi
    (export "${environment[@]}" && exec "$@")
}

# sql ACCOUNT DATABASE [psql option…]: runs the SQL on standard input; prints rows, columns parted by tabs. Stops at an error.
sql() {
    local account=$1 PGDATABASE=$2
    shift 2
    export PGDATABASE
    as "$account" psql --no-psqlrc --no-password --quiet --tuples-only --no-align --field-separator=$'\t' \
        --set=ON_ERROR_STOP=1 --set=VERBOSITY=default --set=SHOW_CONTEXT=never "$@"
}

# query ACCOUNT DATABASE SQL [psql option…]: the same for a short text. Its variables are psql's: :'name' is quoted by psql.
query() {
    local account=$1 database=$2 text=$3
    shift 3
    sql "$account" "$database" "$@" <<<"$text"
}

# A connection string for a database whose name may contain anything, "=" and quotes included.
dbname_of() {
    local quoted=${1//\\/\\\\}
    printf "dbname='%s'" "${quoted//\'/\\\'}"
}

# What to do about what psql said when it could not connect.
advice() {
    case $1 in
    *"authentication failed"* | *"no password supplied"* | *"role "*" does not exist"* | *"is not permitted to log in"*)
        echo "correct username and password of the service instance" ;;
    *"database "*" does not exist"*)
        echo "there is no such database: create it, or correct the name (a backup: the items of the plan)" ;;
    *"pg_hba.conf"*)
        echo "the server does not let this machine in: add it to the server's pg_hba.conf, or set the service instance's parameter \"sslmode\"" ;;
    *"permission denied for database"*)
        echo "let the account in: GRANT CONNECT ON DATABASE" ;;
    *"certificate"* | *"SSL"*)
        echo "check the parameters \"sslmode\" and \"sslrootcert\" against the server's certificate" ;;
    *"could not translate host name"*)
        echo "DNS does not know the host: correct the hosts of the service instance" ;;
    *"Connection refused"* | *"timeout expired"* | *"timed out"* | *"No route to host"* | *"unreachable"* | *"No such file or directory"*)
        echo "the server does not answer: start it, or correct host and port of the service instance" ;;
    *"too many"* | *"remaining connection slots"*)
        echo "the server has no free connection: raise max_connections, or close some" ;;
    *) echo "see psql's message above" ;;
    esac
}

# user_of ACCOUNT
user_of() { case $1 in main) printf '%s' "$MAIN_ACCOUNT" ;; second) printf '%s' "$SECOND_ACCOUNT" ;; *) printf '%s' "$TEMPORARY_ROLE" ;; esac; }

# try_query ACCOUNT DATABASE psql-option…: whether it succeeds; $said is what it printed, rows after warnings, or errors. Until the server's version is
# known, it is taken for the newest whose settings the server knows.
try_query() {
    local known=$SERVER_VERSION guess=
    if [ -z "$known" ] && [ -s "$VERSION_FILE" ]; then read -r guess <"$VERSION_FILE" || guess=; fi
    for SERVER_VERSION in ${known:-$guess 170000 140000 130000}; do
        said=$(sql "$@" 2>&1 </dev/null) && return 0
        [[ $said == *"unrecognized configuration parameter"* ]] || break
    done
    SERVER_VERSION=$known
    return 1
}

can_connect() { try_query "$1" "$2" --command='SELECT 1'; }

# Fails unless the account can use the database, with what to do.
require_connection() {
    can_connect "$1" "$2" && return 0
    say "$said"
    fail "cannot use the database $2 at $PGHOST:$PGPORT as $(user_of "$1"): $(advice "$said")"
}

# Sets SERVER_VERSION (170002), or fails where the account cannot use the database.
read_server_version() {
    if ! try_query "$1" "$2" --command='SHOW server_version_num'; then require_connection "$1" "$2"; fi
    set_server_version "${said##*$'\n'}"
}

set_server_version() {
    SERVER_VERSION=$1
    SERVER_MAJOR=$((SERVER_VERSION / 10000))
    { printf '%s\n' "$SERVER_VERSION" >"$VERSION_FILE"; } 2>/dev/null || true
}

database_exists() {
    [ "$(query "$1" "$2" "SELECT count(*) FROM pg_database WHERE datname = :'name'" --set=name="$3")" = 1 ]
}

. "$PACK/lib/tools.sh"
use_tools_of 0
