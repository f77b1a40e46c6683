#!/usr/bin/env bash
# Restores the database on standard input: into a database that is in use as one transaction, otherwise as a new file. Files are not
# exchanged below those who have them open, and never put beside a journal of another database, which SQLite would apply to them.
set -euo pipefail
. "$(dirname "$0")/lib/database.sh"
require_file
dump=$BACKUP_DIRECTORY/dump.db
cat >"$dump"
check_copy "$dump"

require_replace() {
    [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
        fail "$BACKUP_DATABASE is not empty: restore under another name, or set the parameter replace to replace its content"
}
journals() { local each; for each in "$FILE-wal" "$FILE-shm" "$FILE-journal"; do [ ! -e "$each" ] || printf '%s\0' "$each"; done; }

# Puts a new file in the place of what is there, together with its journals.
put_file() {
    local mode each
    [ ! -e "$FILE" ] || [ -z "$(find -L /proc/[0-9]*/fd -maxdepth 1 -samefile "$FILE" -print -quit 2>/dev/null)" ] || fail "a process has $FILE open: stop the application first"
    mode=$(sed -nE 's/.*"mode":"([0-7]{3,4})".*/\1/p' "$BACKUP_METADATA" 2>/dev/null || true)
    cp -- "$dump" "$FRESH"
    # No more than reading and writing, whatever the dump says; for the account that the directory belongs to.
    chmod "$(printf '%o' $((0${mode:-600} & 0666)))" -- "$FRESH"
    if [ "$(id -u)" = 0 ]; then chown --reference="$ROOT" -- "$FRESH"; fi
    sync -- "$FRESH"
    mkdir -- "$OLD"
    if [ -e "$FILE" ]; then ln -- "$FILE" "$OLD/database"; fi
    journals | while IFS= read -r -d '' each; do mv -- "$each" "$OLD/${each#"$FILE"}"; done
    mv -T -- "$FRESH" "$FILE"
    sync -- "$ROOT"
    rm -rf -- "$OLD"
}

if [ ! -e "$FILE" ]; then
    put_file
    exit 0
fi
errors=$BACKUP_DIRECTORY/errors
if ! objects=$(sqlite "$FILE" 'SELECT count(*) FROM sqlite_schema' 2>"$errors"); then
    ! grep -qiE 'locked|busy' "$errors" || fail_for_now "others have the database locked: $(cat "$errors")"
    require_replace
    say "the database that is there cannot be read, so its file is replaced: $(head -n 1 "$errors")"
    put_file
    exit 0
fi
[ "$objects" = 0 ] || require_replace

# A database with a write-ahead log cannot change the size of its pages.
if [ -s "$FILE" ] && [ "$(number "$FILE" 18 1)" = 2 ] && [ "$(page_size "$FILE")" != "$(page_size "$dump")" ]; then
    touch "$HAD_LOG"
    sqlite "$FILE" 'PRAGMA journal_mode=DELETE' >/dev/null 2>"$errors" || fail_for_now "the database has another page size than the dump, so others must not use it meanwhile: $(cat "$errors")"
fi
if ! sqlite "$FILE" <<<'.restore main dump.db' 2>"$errors" || [ -s "$errors" ]; then
    cat "$errors" >&2
    ! grep -qiE 'locked|busy' "$errors" || fail_for_now "others have the database locked for longer than ${BACKUP_PARAMETER_BUSY_TIMEOUT_SECONDS:-60} seconds; it is as it was"
    fail "the database cannot be restored; it is as it was"
fi
