#!/usr/bin/env bash
# Runs whatever became of the restore, killed in the middle included: gives back what was moved aside if nothing took its
# place, and removes what is left over.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

if [ -e "$old" ] && [ ! -e "$directory" ]; then
    mv -T -- "$old" "$directory"
    say "$directory is as it was before the restore"
fi
remove "$fresh"
remove "$old"
