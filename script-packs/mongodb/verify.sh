#!/usr/bin/env bash
# Proves that the collections and indexes of the backup are there.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
expected=$(sed -nE 's/.*"collections":([0-9]+),"indexes":([0-9]+)\}$/\1 \2/p' "$BACKUP_METADATA")
found=$(counts)
[ -n "$expected" ] && [ "$found" = "$expected" ] || fail "there are $found collections and indexes; the backup had $expected"
say "$found collections and indexes are there"
