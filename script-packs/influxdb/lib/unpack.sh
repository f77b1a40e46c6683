# shellcheck shell=bash
# unpack DIRECTORY: unpacks the dump on standard input, and checks that it is whole and can do no harm. Sets SOURCE.
unpack() {
    mkdir -p "$1"
    tar --extract --no-same-owner --no-same-permissions --no-overwrite-dir --directory="$1" --file=- || fail "the dump is no archive, or not whole"
    local strange file manifest names
    strange=$(find "$1" -mindepth 1 \( ! -type f -o -links +1 \) -printf '%f\n' -quit)
    [ -z "$strange" ] || fail "the dump has something else than files: $(printf %q "$strange")"
    [ -s "$1/$TRAILER" ] || fail "the dump is not whole: its last file is missing"
    SOURCE=$(jq -er '.database | strings' "$1/$TRAILER") || fail "the dump is not one of this pack"
    [[ -n $SOURCE && $SOURCE != -* && $SOURCE != *[^\ -~]* ]] || fail "the dump names no database"
    manifest=$(manifest_of "$1")
    names=$(jq -er '.meta.fileName, .files[]?.fileName | strings' "$manifest") || fail "the manifest of the dump is damaged"
    jq -e --arg name "$SOURCE" 'all(.files[]?; .database == $name)' "$manifest" >/dev/null || fail "the dump has another database than it says"
    while IFS= read -r file; do
        [[ -n $file && $file != */* && -s $1/$file ]] || fail "the dump lacks a file that its manifest names: $(printf %q "$file")"
        [[ $file != *.gz ]] || require_harmless "$1/$file"
    done <<<"$names"
}

# require_harmless ARCHIVE: the server unpacks it below its own directory, and does not check names.
require_harmless() {
    local list
    list=$(tar --list --verbose --gzip --quoting-style=escape --file="$1") || fail "a shard of the dump is damaged"
    if grep -qE '^[^-]| (/|\.\.(/|$))|/\.\.(/|$)' <<<"$list"; then fail "a shard of the dump has names that lead out of its directory"; fi
}
