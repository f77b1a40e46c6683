#!/usr/bin/env bash
# Takes a snapshot, checks it, and writes it to standard output.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
require_whole_server
use_reading_account
snapshot=$BACKUP_DIRECTORY/snapshot.db
ctl snapshot save "$snapshot" >&2 || fail "the snapshot failed"
[ -s "$snapshot" ] || fail "there is no snapshot, although the client reported no error"
status=$(check_snapshot "$snapshot")
printf '{"revision":%d,"keys":%d}\n' "$(json_number revision <<<"$status")" "$(json_number totalKey <<<"$status")" >"$BACKUP_METADATA"
say "$status"
cat -- "$snapshot"
