#!/usr/bin/env bash
# Proves that the server runs on the restored data, and accepts it: the former data is removed after this.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/service.sh"
use_config
use_directory
is_service_valid

if [ -n "$SERVICE" ]; then
    export PGHOST=$BACKUP_HOST PGPORT=${BACKUP_PORT:-5432} PGUSER=$BACKUP_USERNAME PGPASSWORD=$BACKUP_PASSWORD PGDATABASE=postgres PGCONNECT_TIMEOUT=30
    errors=$BACKUP_DIRECTORY/errors
    for ((attempt = 0; ; attempt++)); do
        if state=$(psql -XAtqw -c 'SELECT pg_is_in_recovery()' 2>"$errors"); then
            [ "$state" = f ] || fail "the server at $BACKUP_HOST is in recovery"
            is_in_use "$DATA" || fail "the server at $BACKUP_HOST does not work in $DATA: is the service another one?"
            say "the server runs on the restored data"
            break
        fi
        # The server answered. Its accounts are those of the backup.
        if grep -qE 'authentication failed|no password supplied|role ".*" does not exist|no pg_hba.conf entry' "$errors"; then
            is_in_use "$DATA" || fail "the server at $BACKUP_HOST does not work in $DATA: is the service another one?"
            warn accounts-of-the-backup "The server runs on the restored data, and rejects the account of the service instance: roles and passwords are those of the backup."
            break
        fi
        [ "$attempt" -lt 300 ] || { cat "$errors" >&2; fail "the server does not answer after the restore"; }
        sleep 1
    done
else
    say "the cluster was recovered and every database opened; no service is named that could be started"
fi
if [ -d "$REPLACED" ]; then mv -T -- "$REPLACED" "$OBSOLETE"; fi
