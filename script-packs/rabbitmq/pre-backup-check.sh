#!/usr/bin/env bash
# Fails early where an export would fail late, and says what it does not contain.
set -euo pipefail
. "$(dirname "$0")/lib/api.sh"
use_reading_account
read_definitions "$BACKUP_DIRECTORY/check.json"
if is_global; then queues=$(get queues); else queues=$(get "queues/$VHOST"); fi
messages=$(jq '[.[].messages // 0] | add // 0' <<<"$queues")
if [ "$messages" != 0 ]; then warn messages-not-included "Definitions do not include the $messages messages that are in the queues."; fi
echo "expectedSizeBytes=$(stat -c %s -- "$BACKUP_DIRECTORY/check.json")"
