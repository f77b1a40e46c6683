#!/usr/bin/env bash
# Prints the directories of the root, without what a restore leaves there for a moment.
set -euo pipefail
. "$(dirname "$0")/paths.sh"
found=$BACKUP_DIRECTORY/items
find "$root" -mindepth 1 -maxdepth 1 -type d ! -name 'lost+found' ! -name '.*.restoring-*' ! -name '.*.replaced-*' -printf '%f\0' | sort -z >"$found"
while IFS= read -r -d '' name; do
    case $name in *[[:cntrl:]]* | *\\* | -*) fail "the name of a directory cannot be one of an item, rename it: $(printf %q "$name")" ;; esac
    printf '%s\n' "$name"
done <"$found"
