#!/usr/bin/env bash
# A physical copy is one of the whole server: the only item.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
printf '%s\n' "$ITEM"
