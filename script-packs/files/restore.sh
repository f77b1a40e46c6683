#!/usr/bin/env bash
# Puts the archive on standard input in the place of the directory. It is unpacked beside it first, and takes its place
# only when it is whole; what was there before is removed last. So there is never half a directory.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

remove "$fresh"
mkdir -m 700 -- "$fresh"
tar --extract --preserve-permissions --numeric-owner --directory="$fresh" --file=-

if [ -e "$directory" ] || [ -L "$directory" ]; then
    mv -T -- "$directory" "$old" || fail "$directory cannot be moved aside; a mount point cannot be replaced: restore a directory in it"
fi
if ! mv -T -- "$fresh" "$directory"; then
    if [ -e "$old" ] || [ -L "$old" ]; then mv -T -- "$old" "$directory"; fi
    fail "the restored files could not take the place of $directory"
fi
remove "$old"
