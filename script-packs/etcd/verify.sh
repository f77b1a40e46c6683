#!/usr/bin/env bash
# Proves that the server serves the data of the snapshot: it is healthy and at the revision of it, or past it.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/client.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
expected=$(json_number revision <"$BACKUP_DIRECTORY/status")
tries=0
until status=$(ctl endpoint status -w json 2>"$BACKUP_DIRECTORY/errors"); do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || fail "etcd does not answer: $(tail -n 1 "$BACKUP_DIRECTORY/errors"). The accounts are those of the snapshot"
    sleep 0.5
done
found=$(json_number revision <<<"$status")
[ "${found:-0}" -ge "$expected" ] || fail "etcd is at revision ${found:-0}, the snapshot is of $expected"
say "etcd answers, at revision $found"
