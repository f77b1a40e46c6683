#!/usr/bin/env bash
# Fails early where a dump would fail late.
set -euo pipefail
. "$(dirname "$0")/lib/directory.sh"
find_database
[ -s "$FILES/data.mdb" ] || fail "the database $BACKUP_DATABASE has no data in $FILES"
echo "expectedSizeBytes=$(($(stat -c %b -- "$FILES/data.mdb") * 512))"
