#!/usr/bin/env bash
# Streams the data directory of the running server to standard output. Its trailer proves that it is whole.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
use_directory
require_programs mariadb mariadb-backup mbstream setpriv
find_owner
use_reading_account

printf '{"version":"%s","dataBytes":%d}\n' "$(program_version)" "$(as_owner du -sb -- "$DATA" | cut -f 1)" >"$BACKUP_METADATA"

# The account of the server may open the file by its descriptor, and cannot reach it by its path. It belongs to it, since nothing else has
# the right to read it.
[ "$EUID" = "$OWNER" ] || chown "$OWNER" "$OPTIONS"
exec 7<"$OPTIONS"
log=$BACKUP_DIRECTORY/log
status=0
as_owner mariadb-backup --defaults-file=/dev/fd/7 --backup --stream=mbstream --datadir="$DATA" --target-dir=/nonexistent 2>"$log" || status=$?
require_completed "$log" "$status" mariadb-backup
grep -vE ' (>> log scanned|Streaming |\[[0-9]+\] +\.\.\.done)' "$log" | tail -n 20 >&2 || true

cd "$BACKUP_DIRECTORY"
printf 'complete\n' >"$TRAILER"
mbstream -c "$TRAILER"
