#!/usr/bin/env bash
# Proves that the broker serves what was restored.
set -euo pipefail
. "$(dirname "$0")/lib/api.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
read_definitions "$BACKUP_DIRECTORY/found.json"
missing=$(jq -r -s -f "$LIB/missing.jq" -- "$BACKUP_DIRECTORY/dump.json" "$BACKUP_DIRECTORY/found.json")
[ -z "$missing" ] || fail "these differ from the dump: $(head -n 10 <<<"$missing" | paste -sd ';')"
say "the broker has all definitions of the dump"
