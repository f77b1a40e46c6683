#!/usr/bin/env bash
# Fails early where a backup would fail late, or could not be restored.
set -euo pipefail
. "$(dirname "$0")/lib/cluster.sh"
command -v pgbackrest >/dev/null || fail "pgbackrest is not installed on the machine of the agent: apt-get install pgbackrest"
use_config
require_stanza
use_directory
[ -d "$CONFIGURED" ] || fail "there is no directory $CONFIGURED, which $CONFIG names for the stanza $BACKUP_DATABASE"
DATA=$(realpath -- "$CONFIGURED")
find_owner

port=$(as_owner sed -n 4p "$DATA/postmaster.pid" 2>/dev/null) || fail "no server runs in $DATA"
[ -z "${BACKUP_PORT:-}" ] || [ "$port" = "$BACKUP_PORT" ] ||
    fail "the stanza $BACKUP_DATABASE is of the server at port $port, but the service instance has port $BACKUP_PORT"
tablespaces=$(as_owner ls -A -- "$DATA/pg_tblspc" | wc -l)
[ "$tablespaces" = 0 ] || fail "the cluster has $tablespaces tablespaces outside of its data directory, which a restore would overwrite: not supported"

# Archives a segment of the WAL and waits for it: without the WAL a backup cannot be restored.
pgbackrest_of "$BACKUP_DATABASE" check >&2 || fail "pgBackRest's check failed: does archive_command push to the stanza, and was stanza-create run?"
