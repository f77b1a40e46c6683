#!/usr/bin/env bash
# Prints the suffix of each database that has files.
set -euo pipefail
. "$(dirname "$0")/lib/directory.sh"
list=$(databases) || fail "the configuration in $CONFIG cannot be read"
while IFS=$'\t' read -r _ backend suffix _; do
    if [ "$backend" = mdb ]; then printf '%s\n' "$suffix"; fi
done <<<"$list"
