#!/usr/bin/env bash
# Prints the files of the directory that are SQLite databases.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
found=$(mktemp "$BACKUP_DIRECTORY/items.XXXXXX")
find "$ROOT" -mindepth 1 -maxdepth 1 -type f ! -name '.*' -print0 | sort -z >"$found"
while IFS= read -r -d '' file; do
    is_database "$file" || continue
    name=${file##*/}
    case $name in *[[:cntrl:]]* | *\\* | -*) fail "the name of a database cannot be one of an item, rename it: $(printf %q "$name")" ;; esac
    printf '%s\n' "$name"
done <"$found"
