#!/usr/bin/env bash
# Writes the server's data to standard output as an RDB file, as of one moment, as a replica gets it.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_whole_server
use_reading_account
info=$(ask INFO)
require_single "$info"
require_current "$info"
printf '{"version":"%s"}\n' "$(server_version "$info" | tr -cd 'A-Za-z0-9. -')" >"$BACKUP_METADATA"

{ client --rdb - | tee /dev/fd/3 | tail -c 49 >"$BACKUP_DIRECTORY/end"; } 3>&1
is_whole "$BACKUP_DIRECTORY/end" || fail "the dump is not whole: its end is missing, although the client reported no error"
