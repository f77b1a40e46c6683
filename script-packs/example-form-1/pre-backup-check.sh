#!/usr/bin/env bash
# 2nd stage of a backup.   Arguments: database
#
# Find out early what would go wrong later, and say it in words. Any exit status but 0 fails the job.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
database=$1

[ -d "$data_directory/$database" ] || fail "there is no directory $data_directory/$database"
