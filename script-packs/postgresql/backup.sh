#!/usr/bin/env bash
# Writes the database to standard output, in pg_dump's custom format, large objects included. Not compressed: the
# agent compresses better and faster, and only if the plan says so.
set -euo pipefail
. "$(dirname "$0")/connection.sh"

exec pg_dump --format=custom --compress=0 --no-password
