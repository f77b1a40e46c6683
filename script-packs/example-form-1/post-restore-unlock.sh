#!/usr/bin/env bash
# Last stage of a restore.   No arguments (this project's agent passes the job in BACKUP_JOB_ID).
#
# Undo pre-restore-lock. Runs whenever that was started, whatever happened since.
set -euo pipefail
