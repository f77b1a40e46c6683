#!/usr/bin/env bash
# Prints how well this node suits: for backups a standby that is not behind, otherwise the primary, and a standby without a primary only
# if there is nothing better; for restores the primary alone.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
: "${BACKUP_DATABASE:=$MAINTENANCE_DATABASE}"
. "$PACK/lib/connection.sh"
. "$PACK/lib/standby.sh"

account=main
if [ -z "$SECOND_ACCOUNT" ] || ! try_facts main "$MAINTENANCE_DATABASE"; then
    [ -z "$SECOND_ACCOUNT" ] || account=second
    read_facts "$account" "$MAINTENANCE_DATABASE"
fi

if [ "$IS_STANDBY" = f ]; then
    if [ "$BACKUP_KIND" = restore ]; then echo "100 this is the primary"; else echo "50 this is the primary"; fi
elif [ "$BACKUP_KIND" = restore ]; then
    echo "0 this is a standby: only the primary can be restored into"
elif [ "$IS_CONNECTED" = f ]; then
    echo "10 this standby is not connected to its primary"
elif [ "$LAG_SECONDS" -gt "$MAX_LAG_SECONDS" ]; then
    echo "0 this standby is $LAG_SECONDS seconds behind its primary"
elif has_unlogged_tables; then
    echo "0 $BACKUP_DATABASE has unlogged tables, which are empty on a standby"
else
    echo "100 this is a standby, $LAG_SECONDS seconds behind its primary"
fi
