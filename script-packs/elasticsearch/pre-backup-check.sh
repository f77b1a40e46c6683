#!/usr/bin/env bash
# Fails early where a backup would fail late, or could not be restored.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/snapshot.sh"
require_cluster
require_backup_source
request GET "_snapshot/$REPOSITORY" "the account cannot read the snapshot repository $REPOSITORY"
request POST "_snapshot/$REPOSITORY/_verify" "the cluster cannot use the snapshot repository $REPOSITORY"

# Elasticsearch says what an account may do; OpenSearch, and clusters without security, do not know the question.
call POST _security/user/_has_privileges '{"cluster":["cluster:admin/snapshot/create","cluster:admin/snapshot/get","cluster:admin/snapshot/delete"]}'
if [[ $STATUS == 2* ]]; then
    missing=$(jq -r '[.cluster // {} | to_entries[] | select(.value != true).key] | join(", ")' "$ANSWER")
    [ -z "$missing" ] || fail "the account $BACKUP_USERNAME lacks the cluster privileges $missing"
elif [[ $STATUS == 40[13] ]] || is_temporary; then
    refuse "cannot read the privileges of $BACKUP_USERNAME"
fi
health "$SOURCE"
[[ $HEALTH == green || $HEALTH == yellow ]] || fail_for_now "the health of $SOURCE is $HEALTH: not all of its data is available"
say "$PRODUCT $VERSION, $KIND $SOURCE"
