#!/usr/bin/env bash
# Restores the dump on standard input, with the rights of the instance's own account. Not atomic: README.md says what a killed
# restore leaves.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/client.sh"
require_user_database
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"

# A dump is executed as it is, so the account must have no rights that its author does not have.
global=$(query "SELECT group_concat(DISTINCT privilege_type ORDER BY 1 SEPARATOR ', ') FROM information_schema.user_privileges
    WHERE grantee = concat('''', replace(substring_index(current_user(), '@', 1), '''', ''''''), '''@''', substring_index(current_user(), '@', -1), '''') AND privilege_type <> 'USAGE'")
if [ "$global" != NULL ] && [ "${BACKUP_PARAMETER_TRUST_DUMP:-false}" != true ]; then
    fail "the account has rights on the whole server (${global:0:200}), which the dump would be executed with: give the instance an account of its database, or set the parameter trust_dump if you trust the author of the data"
fi

# Something else than a dump must not cost the live database. Read byte by byte, so that nothing is taken from what follows.
IFS= read -r first || fail "the dump is empty"
[[ $first == "/*M!999999\\- enable the sandbox mode */"* || $first == "-- MariaDB dump "* || $first == "-- MySQL dump "* ]] ||
    fail "this is not the output of mariadb-dump"

schema=$(query "SELECT concat_ws(' ', default_character_set_name, default_collation_name) FROM information_schema.schemata WHERE schema_name = $DATABASE_LITERAL")
charset=${schema% *} collation=${schema#* }
if [ -s "$BACKUP_METADATA" ]; then
    charset=$(sed -nE 's/.*"characterSet":"([a-z0-9_]+)".*/\1/p' "$BACKUP_METADATA")
    collation=$(sed -nE 's/.*"collation":"([a-z0-9_]+)".*/\1/p' "$BACKUP_METADATA")
    [ -n "$charset" ] && [ -n "$collation" ] || fail "the metadata of the dump is not that of this pack"
fi
defaults=${charset:+"CHARACTER SET $charset COLLATE $collation"}

if [ -n "$schema" ] && [ "$(object_counts)" != "0 0 0 0 0 0" ]; then
    [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
        fail "the database $BACKUP_DATABASE is not empty: restore under another name, or set the parameter replace to drop it first"
    say "dropping the content of $BACKUP_DATABASE"
fi
[ -z "$schema" ] || query "DROP DATABASE $SCHEMA"
query "CREATE DATABASE $SCHEMA $defaults"

# --binary-mode also switches off what the client would execute by itself: \!, source, tee.
{ printf '%s\n' "$first"; cat; } | LC_ALL=C awk -v definers="$BACKUP_DIRECTORY/definers" -v target="${BACKUP_DATABASE//\\/\\\\}" -f "$PACK/lib/statements.awk" |
    "$CLIENT" --defaults-file="$OPTIONS" --batch --binary-mode --default-character-set=utf8mb4 --max-allowed-packet=1G --database="$BACKUP_DATABASE"

if [ -s "$BACKUP_DIRECTORY/definers" ]; then
    warn definers "Views, routines, triggers and events belong to the account that restored now; before to: $(sort -u "$BACKUP_DIRECTORY/definers" | tr -d '\`' | paste -sd ' ' | cut -c 1-500)."
fi
