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
