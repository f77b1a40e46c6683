#!/usr/bin/env bash
# Restores the dump on standard input into the database, which must exist and may be empty or not: what is in the dump
# replaces what is there. All or nothing: one transaction, so a failed restore changes nothing.
#
# Objects belong to the restoring user afterwards, since roles of the origin may not exist here. Privileges are
# restored; where their roles do not exist, set the parameter "no_privileges" to true.
set -euo pipefail
. "$(dirname "$0")/connection.sh"

server_version >/dev/null

options=(--clean --if-exists --no-owner --single-transaction --exit-on-error --no-password)
if [ "${BACKUP_PARAMETER_NO_PRIVILEGES:-false}" = true ]; then
    options+=(--no-privileges)
fi

# A name with "=" in it would be read as connection settings, so it is quoted as one of them.
quoted=${BACKUP_DATABASE//\\/\\\\}
quoted=${quoted//\'/\\\'}
exec pg_restore "${options[@]}" --dbname="dbname='$quoted'"
