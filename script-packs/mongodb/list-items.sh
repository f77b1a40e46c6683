#!/usr/bin/env bash
# Prints the databases that the account may see, without those of the server itself; of a replica set also the item of the whole.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
use_reading_account
names=$(ask 'for (const name of connection.getDBNames()) if (!own.includes(name)) print(`item ${name}`)
print("end")')
[ "$(tail -n 1 <<<"$names")" = end ] || fail "the list of databases is not whole"
sed -nE 's/^item (.+)$/\1/p' <<<"$names"
[ -z "${BACKUP_PARAMETER_REPLICA_SET:-}" ] || printf '%s\n' "$WHOLE"
