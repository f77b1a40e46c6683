#!/usr/bin/env bash
# Whatever became of the restore: gives back the old data if nothing took its place, starts the server, and removes what is left over.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/client.sh"
. "$PACK/lib/data.sh"
if [ -e "$OLD" ] && [ ! -e "$DATA" ]; then mv -T -- "$OLD" "$DATA"; fi
start_server
rm -rf -- "$FRESH" "$OLD"
