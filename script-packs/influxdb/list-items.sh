#!/usr/bin/env bash
# Prints the databases that the account may see, without that of the server itself.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
names=$(api 'SHOW DATABASES')
jq -e '[.results[0].series[0].values[]?[0] | select(test("[[:cntrl:]]"))] | length == 0' <<<"$names" >/dev/null ||
    fail "the name of a database has a control character: it can be no item"
jq -r '.results[0].series[0].values[]?[0] | select(. != "_internal")' <<<"$names"
