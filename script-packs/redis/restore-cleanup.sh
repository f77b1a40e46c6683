#!/usr/bin/env bash
# Whatever became of the restore: makes the target a primary again, with its own settings.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/target.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
release_target
