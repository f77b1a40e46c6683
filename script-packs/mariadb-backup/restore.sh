#!/usr/bin/env bash
# Unpacks, prepares and proves the copy on standard input beside the data directory; only then the server is stopped, and the directories
# are exchanged. `verify` accepts the new one, otherwise restore-cleanup gives the former one back.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/service.sh"
require_item
use_directory
is_service_valid
require_programs mariadb mariadb-backup mbstream mariadbd setpriv perl
find_owner

[ -d "$PARENT" ] && [ -w "$PARENT" ] || fail "$PARENT must exist and be writable: the data is unpacked there, beside $DATA"
if mountpoint -q -- "$DATA"; then fail "$DATA is a mount point, which cannot be exchanged: let the server use a directory in it"; fi
if [ -e "$DATA" ] && [ -n "$(as_owner ls -A -- "$DATA")" ]; then
    [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
        fail "$DATA is not empty: restore into another data_directory, or set the parameter replace"
    [ -f "$DATA/ibdata1" ] && [ -d "$DATA/mysql" ] || fail "$DATA is not the data directory of a MariaDB server, so it is not replaced"
fi
if [ -z "$SERVICE" ] && is_in_use "$DATA"; then
    fail "a server works in $DATA: stop it, or name its systemd unit in the parameter service"
fi

mine=$(program_version)
if [ -s "$BACKUP_METADATA" ]; then
    version=$(sed -nE 's/.*"version":"([0-9.]+)".*/\1/p' "$BACKUP_METADATA")
    bytes=$(sed -nE 's/.*"dataBytes":([0-9]+).*/\1/p' "$BACKUP_METADATA")
    [ -n "$version" ] && [ -n "$bytes" ] || fail "the metadata of the dump is not that of this pack"
    [ "$(series "$version")" = "$(series "$mine")" ] ||
        fail "the copy is of MariaDB $version and can only be prepared by mariadb-backup of that series; $mine is installed"
    free=$(df --output=avail -B1 -- "$PARENT" | tail -n 1)
    [ "$free" -gt "$bytes" ] || fail "the data needs $bytes bytes beside $DATA, where $free are free"
fi

: >"$BACKUP_DIRECTORY/begun"
rm -rf -- "$FRESH"
mkdir -m 700 -- "$FRESH"
[ "$EUID" = "$OWNER" ] || chown "$OWNER:$GROUP" -- "$FRESH"
perl "$PACK/lib/stream.pl" "$TRAILER" | as_owner mbstream -x -C "$FRESH"
as_owner test -f "$FRESH/$TRAILER" || fail "the dump is not whole"

# The options that the copy is prepared with come with it. Only those that describe data files, and no path, are taken.
options=$FRESH/backup-my.cnf
kept=$(as_owner grep -E '^(\[mysqld\]|innodb_(checksum_algorithm|data_file_path|log_files_in_group|log_file_size|page_size|undo_tablespaces|compression_level|compression_default|fast_checksum|log_block_size)=[A-Za-z0-9_.:;]+)$' "$options" || true)
[ -n "$kept" ] || fail "the dump has no options of a MariaDB server"
printf '%s\n' "$kept" | as_owner tee "$options.new" >/dev/null
as_owner mv -T -- "$options.new" "$options"

log=$BACKUP_DIRECTORY/log
status=0
as_owner mariadb-backup --prepare --target-dir="$FRESH" --tmpdir="$FRESH" 2>"$log" || status=$?
require_completed "$log" "$status" "mariadb-backup --prepare"

# Opens every table without starting a server: nothing of the copy is executed (no event, trigger or replication), and nobody can connect.
(cd "$FRESH" && as_owner mariadbd --defaults-file="$options" --bootstrap --datadir="$FRESH" --tmpdir="$FRESH" --skip-log-bin --log-error="$FRESH/osb-verify.log" \
    --skip-slave-start --innodb-buffer-pool-load-at-startup=OFF --innodb-buffer-pool-dump-at-shutdown=OFF <"$PACK/lib/open-tables.sql" >&2) || {
    as_owner tail -n 30 "$FRESH/osb-verify.log" >&2 || true
    fail "the restored data cannot be opened"
}
as_owner rm -f -- "$FRESH/$TRAILER" "$options" "$FRESH/osb-verify.log"

if [ -e "$DATA" ]; then
    as_owner chmod --reference="$DATA" -- "$FRESH"
    : >"$STOPPED"
    stop_server "$DATA"
    say "exchanging $DATA"
    mv -T -- "$DATA" "$REPLACED"
else
    : >"$STOPPED"
    stop_server "$DATA"
fi
mv -T -- "$FRESH" "$DATA"
sync -f "$PARENT"
start_server
rm -f -- "$STOPPED"
