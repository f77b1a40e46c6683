#!/usr/bin/env bash
# Restores the snapshot on standard input: builds a data directory from it, then stops the server for as long as it takes to exchange
# the directories.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/client.sh"
. "$PACK/lib/data.sh"
require_whole_server
snapshot=$BACKUP_DIRECTORY/snapshot.db
cat >"$snapshot"
status=$(check_snapshot "$snapshot")
if [ -d "$DATA" ] && [ -n "$(find "$DATA" -mindepth 1 -print -quit)" ]; then
    [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] || fail "$DATA is not empty: set the parameter replace to replace it"
fi

# The member of a larger cluster would be alone with the data, or be told by the others that it does not belong to them.
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
members=$(ctl member list 2>/dev/null | wc -l) || members=0
[ "$members" -le 1 ] || fail "the cluster has $members members: all of them must be restored at the same time, as README.md says"

name=${BACKUP_PARAMETER_MEMBER_NAME:-default}
url=${BACKUP_PARAMETER_PEER_URL:-http://localhost:2380}
rm -rf -- "$FRESH"
utl snapshot restore "$snapshot" --data-dir "$FRESH" --name "$name" --initial-cluster "$name=$url" --initial-advertise-peer-urls "$url" >&2
[ -s "$FRESH/member/snap/db" ] || fail "no data was restored, although the program reported no error"
if [ -d "$DATA" ]; then
    chmod --reference="$DATA" -- "$FRESH"
    if [ "$(id -u)" = 0 ]; then chown -R --reference="$DATA" -- "$FRESH"; fi
elif [ "$(id -u)" = 0 ]; then
    chown -R --reference="${DATA%/*}" -- "$FRESH"
fi
sync -f -- "$FRESH"

stop_server
if [ -e "$DATA" ]; then mv -T -- "$DATA" "$OLD" || fail "$DATA cannot be moved aside; a mount point cannot be replaced: let etcd use a directory in it"; fi
mv -T -- "$FRESH" "$DATA"
sync -- "${DATA%/*}"
if ! (start_server); then
    say "$SERVICE did not start with the restored data, so the old data is put back"
    systemctl stop -- "$SERVICE" || true
    mv -T -- "$DATA" "$FRESH"
    if [ -e "$OLD" ]; then mv -T -- "$OLD" "$DATA"; fi
    exit 1
fi
printf '%s\n' "$status" >"$BACKUP_DIRECTORY/status"
rm -rf -- "$OLD" "$snapshot"
