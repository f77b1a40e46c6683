#!/usr/bin/env bash
# The server is backed up as a whole.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
use_reading_account
ctl endpoint status -w json >/dev/null
printf '%s\n' "$ITEM"
