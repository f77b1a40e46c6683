#!/usr/bin/env bash
# Proves that the server serves what was restored: it is a primary, has saved its data, and every database can be read.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/target.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
info=$(ask INFO)
[ "$(field role <<<"$info")" = master ] || fail "the server is still a replica"
require_persisted "$info"
while read -r name _; do
    case $name in
    db*)
        key=$(ask "SELECT ${name#db}"$'\nDBSIZE' | tail -n 1)
        [ "$key" -gt 0 ] || fail "the restored keys of $name are not there"
        ;;
    esac
done <"$BACKUP_DIRECTORY/lasting"
say "the server is a primary and serves $(total_keys <<<"$info") keys"
