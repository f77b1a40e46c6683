#!/usr/bin/env bash
# Last stage of a backup.   Arguments: database
#
# Undo pre-backup-lock. Runs whenever the lock was started, whatever happened since. It must work when there is
# nothing to undo, and fail only if the database may still be locked: that is reported loudly.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
database=$1

lock=$(lock_file "$database")
if [ -d "$lock" ]; then rmdir -- "$lock"; fi
