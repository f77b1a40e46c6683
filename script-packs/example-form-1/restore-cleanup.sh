#!/usr/bin/env bash
# 3rd stage of a restore.   Arguments: job_id
#
# Remove the downloaded file. Runs whenever restore was started, also after a failure or a cancel.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
job_id=$1

rm -rf -- "$(job_directory "$job_id")"
