#!/usr/bin/env bash
# Fails early where a copy would fail late, would lack something, or could not be restored.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
use_directory
require_programs mariadb mariadb-backup mbstream setpriv
use_reading_account

server=$(query 'SELECT version()')
mine=$(program_version)
[ -n "$mine" ] || fail "the version of mariadb-backup is not known: $(mariadb-backup --version 2>&1)"
# The format of data files belongs to one series, and a program that is older than its server fails, or copies files that it does not know.
[ "$(series "$mine")" = "$(series "$server")" ] && [ "$(printf '%s\n%s\n' "$mine" "${server%%-*}" | sort -V | tail -n 1)" = "$mine" ] ||
    fail "mariadb-backup is of version $mine and does not suit the server, $server: install the one of its series, of the same version or newer"

# Files are read here, but locks and positions come from the server: both must be the same one.
directory=$(query 'SELECT @@datadir')
[ "$(realpath -m -- "$directory")" = "$DATA" ] || fail "the server's data directory is $directory: set the parameter data_directory to it, not to $DATA"
name=$(query 'SELECT @@hostname')
[ "$name" = "$(uname -n)" ] || fail "the server runs on the machine $name, and the agent on $(uname -n): mariadb-backup reads the files of its own machine"
[ -d "$DATA" ] || fail "there is no directory $DATA on the machine of the agent"
find_owner
as_owner test -r "$DATA/ibdata1" || fail "$DATA/ibdata1 cannot be read"

privileges=$(query "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee IN (
    concat('''', replace(substring_index(current_user(), '@', 1), '''', ''''''), '''@''', substring_index(current_user(), '@', -1), ''''), concat('''', current_role(), '''@'''''))")
missing=()
for privilege in RELOAD PROCESS 'LOCK TABLES' 'BINLOG MONITOR'; do
    grep -qxF "$privilege" <<<"$privileges" || missing+=("$privilege")
done
if [ ${#missing[@]} != 0 ]; then
    list=$(printf '%s, ' "${missing[@]}")
    fail "the account lacks rights that mariadb-backup needs: ${list%, }"
fi

# What lies elsewhere would be restored over the files of the running server, or not at all.
for variable in innodb_data_home_dir innodb_log_group_home_dir innodb_undo_directory aria_log_dir_path; do
    value=$(query "SELECT coalesce(@@$variable, '')")
    case $value in /*) place=$value ;; *) place=$DATA/$value ;; esac
    [ "$(realpath -m -- "$place")" = "$DATA" ] ||
        fail "$variable is $value, outside of the data directory: such a server is not supported"
done
outside=$(as_owner find "$DATA" \( -type l -o -name '*.isl' \) -printf '%P\n' | head -n 5 | paste -sd ' ')
[ -z "$outside" ] || fail "tables or databases lie outside of the data directory, where a restore would overwrite them: $outside"

[ "$(query 'SELECT count(*) FROM information_schema.innodb_tablespaces_encryption WHERE encryption_scheme <> 0')" = 0 ] ||
    fail "tables are encrypted by the server: their keys are not in a copy, and it could not be prepared at a restore"
engines=$(query "SELECT group_concat(plugin_name SEPARATOR ', ') FROM information_schema.plugins WHERE plugin_type = 'STORAGE ENGINE' AND plugin_status = 'ACTIVE' AND plugin_name IN ('Columnstore', 'Mroonga', 'ROCKSDB', 'S3')")
[ "$engines" = NULL ] || fail "the data of these engines is not copied, or only in part: $engines"
remote=$(query "SELECT group_concat(plugin_name SEPARATOR ', ') FROM information_schema.plugins WHERE plugin_type = 'STORAGE ENGINE' AND plugin_status = 'ACTIVE' AND plugin_name IN ('CONNECT', 'FEDERATED', 'SPIDER')")
[ "$remote" = NULL ] || warn remote-tables "Rows of tables of these engines are elsewhere, and not copied: $remote."

say "server $server, mariadb-backup $mine, $DATA"
echo "expectedSizeBytes=$(as_owner find "$DATA" -type f ! -name 'ib_logfile*' ! -name '*-bin.*' -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }')"
