#!/usr/bin/env bash
# Runs whatever became of the restore, killed in the middle included: until `verify` accepted the new data, the former one is given back.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/service.sh"
# What `restore` refused before it began left nothing.
[ -e "$BACKUP_DIRECTORY/begun" ] || exit 0
use_config
use_directory
is_service_valid

if [ -d "$REPLACED" ]; then
    : >"$STOPPED"
    if [ -e "$DATA" ]; then
        stop_server "$DATA"
        rm -rf -- "$FRESH"
        mv -T -- "$DATA" "$FRESH"
    fi
    mv -T -- "$REPLACED" "$DATA"
    say "$DATA is as it was before the restore"
fi
if [ -e "$STOPPED" ]; then
    if [ -d "$DATA" ]; then start_server; fi
    rm -f -- "$STOPPED"
fi
rm -rf -- "$FRESH" "$OBSOLETE"
