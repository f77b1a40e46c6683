#!/usr/bin/env bash
# Puts the archive on standard input in the place of the directory. It is unpacked beside it first, and takes its place
# only when it is whole; what was there before is removed last. So there is never half a directory.
set -euo pipefail
. "$(dirname "$0")/paths.sh"

remove "$fresh"
mkdir -m 700 -- "$fresh"
# From here on by its working directory: who may write to the root could put a link in the place of the path.
cd -- "$fresh"

# An archive must not grant rights that its author did not have. Below root the system sees to that.
attributes='--xattrs-include=*'
if [ "$(id -u)" = 0 ] && [ "${BACKUP_PARAMETER_TRUST_DUMP:-false}" != true ]; then attributes='--xattrs-include=user.*'; else trusted=1; fi
mkfifo "$BACKUP_DIRECTORY/copy"
tail -c 1024 <"$BACKUP_DIRECTORY/copy" >"$BACKUP_DIRECTORY/end" &
ending=$!
tee "$BACKUP_DIRECTORY/copy" | tar --extract --preserve-permissions --numeric-owner --acls --xattrs "$attributes" --file=-
wait "$ending"
has_archive_end "$BACKUP_DIRECTORY/end" || fail "the archive is not whole: its end is missing"
entries=$(sed -nE 's/.*"entries":([0-9]+).*/\1/p' "$BACKUP_METADATA" 2>/dev/null || true)
found=$(find . -printf x | wc -c)
[ -z "$entries" ] || [ "$found" = "$entries" ] || fail "the archive has $found files, the backup had $entries"

if [ -z "${trusted:-}" ]; then
    devices=$(find . \( -type b -o -type c \) -print -quit)
    [ -z "$devices" ] || fail "the archive has device files, such as $devices: set the parameter trust_dump if you trust its author"
    find . -type f -perm /6000 -print0 >"$BACKUP_DIRECTORY/set-id"
    if [ -s "$BACKUP_DIRECTORY/set-id" ]; then
        xargs -0 chmod ug-s -- <"$BACKUP_DIRECTORY/set-id"
        warn set-id-bits "Set-user-id and set-group-id bits were removed from $(tr -cd '\0' <"$BACKUP_DIRECTORY/set-id" | wc -c) files; the parameter trust_dump keeps them."
    fi
fi

if [ -e "$directory" ] || [ -L "$directory" ]; then
    mv -T -- "$directory" "$old" || fail "$directory cannot be moved aside; a mount point cannot be replaced: restore a directory in it"
fi
if ! mv -T -- "$fresh" "$directory"; then
    if [ -e "$old" ] || [ -L "$old" ]; then mv -T -- "$old" "$directory"; fi
    fail "the restored files could not take the place of $directory"
fi
remove "$old"
