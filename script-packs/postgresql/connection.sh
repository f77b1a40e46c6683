# shellcheck shell=bash
# Sourced by the other scripts: tells psql, pg_dump and pg_restore how to connect, over the environment and not
# over arguments, which every user of the machine can read.
: "${BACKUP_HOST:?}" "${BACKUP_USERNAME:?}" "${BACKUP_PASSWORD:?}" "${BACKUP_DATABASE:?}"

export PGHOST=$BACKUP_HOST
export PGPORT=${BACKUP_PORT:-5432}
export PGUSER=$BACKUP_USERNAME
export PGPASSWORD=$BACKUP_PASSWORD
export PGDATABASE=$BACKUP_DATABASE
export PGAPPNAME=backup-agent
export PGCONNECT_TIMEOUT=${BACKUP_PARAMETER_CONNECT_TIMEOUT:-30}
export PGSSLMODE=${BACKUP_PARAMETER_SSLMODE:-prefer}

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Debian keeps the tools of each major version in a folder of their own, which need not be on the PATH.
if ! command -v pg_dump >/dev/null; then
    newest=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -n "$newest" ] || fail "pg_dump is not installed: neither on the PATH nor in /usr/lib/postgresql/*/bin"
    export PATH="$newest:$PATH"
fi

# What to do about what psql said.
advice() {
    case $1 in
    *"authentication failed"* | *"no password supplied"* | *"role "*" does not exist"*)
        echo "correct username and password of the service instance" ;;
    *"database "*" does not exist"*)
        echo "there is no such database: create it, or correct the name (a backup: the items of the plan)" ;;
    *"pg_hba.conf"*)
        echo "the server does not let this machine in: add it to the server's pg_hba.conf, or set the service instance's parameter \"sslmode\"" ;;
    *"permission denied for database"*)
        echo "let the account in: GRANT CONNECT ON DATABASE" ;;
    *"could not translate host name"*)
        echo "DNS does not know the host: correct the hosts of the service instance" ;;
    *"Connection refused"* | *"timeout expired"* | *"timed out"* | *"No route to host"* | *"unreachable"*)
        echo "the server does not answer: start it, or correct host and port of the service instance" ;;
    *) echo "see psql's message above" ;;
    esac
}

# Prints the server's version (170002), or fails with what to do. In English, which is what advice reads.
server_version() {
    local said
    said=$(LC_ALL=C psql --no-psqlrc --no-password --tuples-only --no-align --command 'SHOW server_version_num' 2>&1 </dev/null) || {
        say "$said"
        fail "cannot use the database $PGDATABASE at $PGHOST:$PGPORT as $PGUSER: $(advice "$said")"
    }
    # Warnings come before.
    printf '%s\n' "${said##*$'\n'}"
}
