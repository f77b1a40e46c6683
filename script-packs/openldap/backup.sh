#!/usr/bin/env bash
# Writes the database to standard output as LDIF, as of one moment, while the server runs.
set -euo pipefail
. "$(dirname "$0")/lib/directory.sh"
find_database
[ -s "$FILES/data.mdb" ] || fail "the database $BACKUP_DATABASE has no data in $FILES"
dump "$CONFIG" | LC_ALL=C awk -v counter="$BACKUP_DIRECTORY/entries" '{ print } /^dn::? / { count++ } END { print count + 0 >counter }'
entries=$(cat "$BACKUP_DIRECTORY/entries")
# An empty database has nothing that a restore could be compared with; more likely it is the wrong one.
[ "$entries" != 0 ] || fail "the database $BACKUP_DATABASE has no entries"
printf '%s%d\n' "$TRAILER" "$entries"
say "$entries entries"
