#!/usr/bin/env bash
# 1st stage of a backup.   Arguments: database
#
# Make the database hold still: stop writers, flush to disk, take a snapshot. Whatever you do here, post-backup-unlock
# must undo; it runs after this stage in every case, even if this script failed half-way.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
database=$1

# mkdir is atomic: of two backups at the same time only one gets the lock.
mkdir -- "$(lock_file "$database")" 2>/dev/null || say "$database is locked already; going on, since locks of a crashed run must not stop backups"
