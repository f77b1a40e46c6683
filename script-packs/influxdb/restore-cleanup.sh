#!/usr/bin/env bash
# Runs whatever became of the restore, killed in the middle included: until `verify` was content, the former database is given back.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
# What `restore` refused before it began left nothing.
[ -e "$BACKUP_DIRECTORY/begun" ] || exit 0
. "$PACK/lib/server.sh"
. "$PACK/lib/former.sh"
api "DROP DATABASE $(identifier "$TEMPORARY")" >/dev/null
if [ -e "$DROPPED" ] && [ ! -e "$ACCEPTED" ]; then
    require_rpc
    # Succeeds also if there is none.
    api "DROP DATABASE $NAME" >/dev/null
    if [ -d "$FORMER" ]; then
        import "$FORMER" "$BACKUP_DATABASE" "$BACKUP_DATABASE"
        reinstate
        say "$BACKUP_DATABASE is as it was before the restore"
    fi
    rm -f -- "$DROPPED"
fi
