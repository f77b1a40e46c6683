#!/usr/bin/env bash
# Writes the directory to standard output as a tar archive.
set -euo pipefail
. "$(dirname "$0")/paths.sh"
enter_directory

options=(--create --format=posix --numeric-owner --sparse --acls --xattrs '--xattrs-include=*')
if [ "${BACKUP_PARAMETER_ONE_FILE_SYSTEM:-false}" = true ]; then options+=(--one-file-system); fi
names=$BACKUP_DIRECTORY/names messages=$BACKUP_DIRECTORY/messages end=$BACKUP_DIRECTORY/end
status=0
{ tar "${options[@]}" --verbose --index-file="$names" --file=- . 2>"$messages" | tee /dev/fd/3 | tail -c 1024 >"$end"; } 3>&1 || status=$?
head -c 20000 -- "$messages" >&2

# 1: files changed, shrank or disappeared while they were read; the archive is sound. More: it lacks something.
[ "$status" -le 1 ] || fail "the archive is not complete: $(tail -n 3 -- "$messages" | head -n 1)"
if [ "$status" = 1 ]; then
    changed=$(grep -E ': (file changed as we read it|File removed before we read it|File shrank by .*)$' -- "$messages" || true)
    others=$(grep -vE ': (file changed as we read it|File removed before we read it|File shrank by .*|socket ignored)$' -- "$messages" || true)
    [ -n "$changed" ] && [ -z "$others" ] || fail "the archive may not be complete: $(head -n 1 <<<"${others:-$(cat "$messages")}")"
    count=$(wc -l <<<"$changed")
    if [ "${BACKUP_PARAMETER_CHANGED_FILES:-fail}" = fail ]; then
        say "$count files changed while they were read, such as $(head -n 1 <<<"$changed" | cut -c 6-300): stop what writes, back up a snapshot, or set the parameter changed_files to allow"
        exit 75
    fi
    warn changed-files "$count files changed while they were read, so they may be torn: $(head -n 5 <<<"$changed" | cut -c 6-100 | paste -sd ';')."
fi
has_archive_end "$end" || fail "the archive is not complete: its end is missing, although tar reported no error"
sockets=$(grep -c ': socket ignored$' -- "$messages" || true)
[ "$sockets" = 0 ] || warn sockets "$sockets sockets are not in the archive."
printf '{"entries":%d}\n' "$(wc -l <"$names")" >"$BACKUP_METADATA"
