#!/usr/bin/env bash
# Writes the definitions to standard output.
set -euo pipefail
. "$(dirname "$0")/lib/api.sh"
use_reading_account
read_definitions "$BACKUP_DIRECTORY/definitions.json"
jq -e 'has("rabbit_version") and all(.queues, .exchanges, .bindings; type == "array")' -- "$BACKUP_DIRECTORY/definitions.json" >/dev/null ||
    fail "the definitions are not whole"
cat -- "$BACKUP_DIRECTORY/definitions.json"
