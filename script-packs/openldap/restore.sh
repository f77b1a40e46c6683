#!/usr/bin/env bash
# Restores the dump on standard input: a new database is built and compared beside the one that is in use, then the server is stopped
# for as long as it takes to exchange the files.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/directory.sh"
find_database
. "$PACK/lib/exchange.sh"

ldif=$BACKUP_DIRECTORY/dump.ldif
cat >"$ldif"
entries=$(count_entries <"$ldif")
[ "$(tail -n 1 -- "$ldif")" = "$TRAILER$entries" ] || fail "the dump is not whole: its last line is missing, or does not say $entries entries"
# LDIF can include files and addresses (attribute:< file:///etc/shadow). slapcat writes nothing of the kind, nor folded lines that
# could hide it.
odd=$(LC_ALL=C grep -anvE '^$|^dn::? |^[A-Za-z0-9][A-Za-z0-9.;_-]*:(:?$|:? [^ <]|:? $)|^# osb-backup: entries [0-9]+$' -- "$ldif" | head -c 200) || true
[ -z "$odd" ] || fail "the dump has a line that slapcat does not write: $odd"
! LC_ALL=C grep -aqiE '^(include|version|changetype|control):' -- "$ldif" || fail "the dump has a line that slapcat does not write"

if [ -s "$FILES/data.mdb" ] && [ "$(dump "$CONFIG" | count_entries)" != 0 ]; then
    [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] || fail "the database $BACKUP_DATABASE has entries: set the parameter replace to replace them"
fi

# The server's own configuration, except for where the files of this database are.
rm -rf -- "$FRESH"
as "$FILES" mkdir -- "$FRESH" "$FRESH/files"
cp -r -- "$CONFIG" "$FRESH/config"
if [ "$(id -u)" = 0 ]; then chown -R --reference="$FILES" -- "$FRESH/config"; fi
file=$FRESH/config/cn=config/${NAME%,cn=config}.ldif
[ -f "$file" ] || fail "the configuration of the database is not where slapd keeps it: $file"
awk -v path="$FRESH/files" '/^olcDbDirectory::? / { print "olcDbDirectory: " path; next } { print }' "$file" >"$BACKUP_DIRECTORY/config"
cat -- "$BACKUP_DIRECTORY/config" >"$file"
as "$FILES" slapadd -F "$FRESH/config" -g -b "$BACKUP_DATABASE" <"$ldif" >&2
dump "$FRESH/config" >"$BACKUP_DIRECTORY/restored"
head -n -1 -- "$ldif" | cmp -s -- - "$BACKUP_DIRECTORY/restored" || fail "the new database differs from the dump, so the old one is kept"
rm -f -- "$BACKUP_DIRECTORY/restored"

mode=$(stat -c %a -- "$FILES/data.mdb" 2>/dev/null || echo 600)
chmod "$mode" -- "$FRESH/files/data.mdb"
sync -- "$FRESH/files/data.mdb"
stop_server
rm -f -- "$FILES/lock.mdb"
mv -T -- "$FRESH/files/data.mdb" "$FILES/data.mdb"
sync -- "$FILES"
start_server
rm -rf -- "$FRESH"
printf '%d\n' "$entries" >"$BACKUP_DIRECTORY/entries"
