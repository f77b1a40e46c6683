#!/usr/bin/env bash
# Writes the directory to standard output as a tar archive: modes, times, links and, for root, owners.
# A file that cannot be read, or changes while it is read, fails the backup: stop what writes, or back up a snapshot.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

[ -d "$directory" ] || fail "there is no directory $directory"
exec tar --create --format=posix --numeric-owner --sparse --directory="$directory" --file=- .
