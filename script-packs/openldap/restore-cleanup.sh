#!/usr/bin/env bash
# Whatever became of the restore: starts the server again, with the old files or the new, and removes what is left over.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/directory.sh"
find_database
. "$PACK/lib/exchange.sh"
start_server
rm -rf -- "$FRESH"
