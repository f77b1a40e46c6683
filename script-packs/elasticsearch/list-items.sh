#!/usr/bin/env bash
# Prints the indices and data streams that the account sees, without hidden ones and those of the cluster.
set -euo pipefail
. "$(dirname "$0")/lib/cluster.sh"
request GET '_resolve/index/*?expand_wildcards=open,closed' "cannot list the indices"
jq -e '[(.indices[]?, .data_streams[]?).name | select(test("[[:cntrl:]]"))] | length == 0' "$ANSWER" >/dev/null || fail "the name of an index has a control character: it can be no item"
# An index that a restore put behind an alias is listed under that name.
jq -r '[
    (.indices[]? | .name as $index | (.aliases // [] | [.] | flatten | map(. as $alias | select($index | startswith($alias + "-restored-"))) | first) // $index),
    .data_streams[]?.name
] | unique[] | select(startswith(".") | not)' "$ANSWER"
