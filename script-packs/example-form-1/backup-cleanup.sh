#!/usr/bin/env bash
# 4th stage of a backup, after the upload.   Arguments: database job_id
#
# Remove what backup left on disk. Runs whenever backup was started, also after a failure or a cancel.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
job_id=$2

rm -rf -- "$(job_directory "$job_id")"
