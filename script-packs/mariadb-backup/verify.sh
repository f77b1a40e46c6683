#!/usr/bin/env bash
# Proves that the server runs on the restored data, and accepts it: the former data is removed after this.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/service.sh"
use_directory
is_service_valid

if [ -n "$SERVICE" ]; then
    use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
    errors=$BACKUP_DIRECTORY/errors
    for ((attempt = 0; ; attempt++)); do
        if directory=$(query 'SELECT @@datadir' 2>"$errors"); then
            [ "$(realpath -m -- "$directory")" = "$DATA" ] || fail "the server at $BACKUP_HOST works in $directory, not in $DATA: is the service another one?"
            say "the server runs on the restored data"
            break
        fi
        # ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR: the server answered. Its accounts are those of the backup.
        if grep -qE '^ERROR (1045|1698) ' "$errors"; then
            is_in_use "$DATA" || fail "the server at $BACKUP_HOST does not work in $DATA"
            warn accounts-of-the-backup "The server runs on the restored data, and rejects the account of the service instance: accounts and passwords are those of the backup."
            break
        fi
        [ "$attempt" -lt 300 ] || { cat "$errors" >&2; fail "the server does not answer after the restore"; }
        sleep 1
    done
else
    say "the data was prepared and every table opened; no service is named that could be started"
fi
if [ -d "$REPLACED" ]; then mv -T -- "$REPLACED" "$OBSOLETE"; fi
