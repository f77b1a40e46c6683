#!/usr/bin/env bash
# Fails early where a snapshot would fail late.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
require_whole_server
use_reading_account
status=$(ctl endpoint status -w json) || fail "etcd cannot be asked at $ETCDCTL_ENDPOINTS; snapshots need the role root where authentication is enabled"
! grep -q '"errors":\[' <<<"$status" || warn alarm "etcd has raised an alarm: $(sed -E 's/.*"errors":\[([^]]*)\].*/\1/' <<<"$status" | cut -c 1-200)"
size=$(json_number dbSize <<<"$status")
free=$(df --output=avail -B1 -- "$BACKUP_DIRECTORY" | tail -n 1)
[ "$free" -gt "${size:-0}" ] || fail "the snapshot needs $size bytes in $BACKUP_DIRECTORY, which has $free"
echo "expectedSizeBytes=${size:-0}"
