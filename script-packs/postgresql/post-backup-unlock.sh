#!/usr/bin/env bash
# Nothing to unlock: see pre-backup-lock.sh.
set -euo pipefail
