#!/usr/bin/env bash
# A server is backed up as a whole.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
use_reading_account
info=$(ask INFO)
require_single "$info"
printf '%s\n' "$ITEM"
