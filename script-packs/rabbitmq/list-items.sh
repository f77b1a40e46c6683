#!/usr/bin/env bash
# Prints the virtual hosts that the account may see, and for administrators the item of the whole broker.
set -euo pipefail
. "$(dirname "$0")/lib/api.sh"
use_reading_account
vhosts=$(get vhosts)
account=$(get whoami)
# What an item cannot contain, as %XX.
jq -r '.[].name
    | [explode[] | [.] | implode | if test("[%/\\\\\\x00-\\x1f\\x7f-\\x9f]") then @uri else . end] | join("")
    | if test("^-") then "%2D" + .[1:] elif test("^\\.\\.?$") then "%2E" + .[1:] else . end' <<<"$vhosts"
if jq -e '.tags | if type == "array" then . else split(",") end | index("administrator")' <<<"$account" >/dev/null; then printf '%s\n' "$GLOBAL"; fi
