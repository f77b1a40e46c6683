# shellcheck shell=bash
# Reads pg_dump's custom format from standard input. Its table of contents comes first and holds every definition; only rows and
# large objects come after it. So the beginning is kept in a file, from which definitions can be read as often as needed, and the
# rest is read once.

HEAD=$BACKUP_DIRECTORY/head
CONTENTS=$BACKUP_DIRECTORY/contents
HEAD_LIMIT=$((1024 * 1024 * 1024))

# Reads standard input until the table of contents is whole. Fails if it is no archive.
read_archive_head() {
    local size=$((256 * 1024)) had magic line dump_major=
    umask 077
    head -c "$size" >"$HEAD"
    IFS= read -r -n 5 magic <"$HEAD" || true
    [ "$magic" = PGDMP ] || return 1
    until pg_restore --list "$HEAD" >"$CONTENTS" 2>"$BACKUP_DIRECTORY/errors"; do
        if grep -q 'unsupported version' "$BACKUP_DIRECTORY/errors"; then
            use_tools_of $((TOOLS_MAJOR + 1)) "the dump"
            continue
        fi
        had=$(stat -c %s "$HEAD")
        [ "$had" -lt "$HEAD_LIMIT" ] || fail "the table of contents of the dump is larger than $HEAD_LIMIT bytes"
        head -c "$had" >>"$HEAD"
        [ "$(stat -c %s "$HEAD")" -gt "$had" ] || fail_with "$BACKUP_DIRECTORY/errors" "this is no archive of pg_dump, or only the beginning of one"
    done
    # Comments come first: a name of the dump begins no line.
    while [ -z "$dump_major" ] && IFS= read -r line && [[ $line == ';'* || -z $line ]]; do
        if [[ $line =~ ^\;\ +Dumped\ by\ pg_dump\ version:\ ([0-9]+) ]]; then dump_major=${BASH_REMATCH[1]}; fi
    done <"$CONTENTS"
    # A newer pg_restore than needed uses settings that an older server does not know.
    use_tools_of "${dump_major:-1}" "the pg_dump that made this dump"
}

# The whole archive again, from its first byte on.
archive() { cat "$HEAD" -; }

# definitions LIST [pg_restore option…]: the SQL of the entries of a list; nothing where the list is empty.
definitions() {
    local list=$1
    shift
    [ ! -s "$list" ] || pg_restore --file=- --no-tablespaces --use-list="$list" "$@" "$HEAD"
}

statements() { awk -f "$PACK/lib/statements.awk" "$@"; }

# sort_entries keep|skip: sorts the entries of the archive into the lists of the steps of a restore; what only a superuser can create is
# kept or skipped.
sort_entries() {
    awk -v folder="$BACKUP_DIRECTORY" -v skip="$1" -f "$PACK/lib/entries.awk" "$CONTENTS"
    cp "$BACKUP_DIRECTORY/main.list" "$BACKUP_DIRECTORY/restored.list"
    [ "$NO_PRIVILEGES" = false ] || : >"$BACKUP_DIRECTORY/acl.list"
}

# Prints the roles that the definitions name, as lines "owner|grantor|grantee|policy<TAB>role", "schema<TAB>name<TAB>owner" and "all
# tables<TAB>publication"; each once. Writes the extensions of the archive to a file, as lines "name<TAB>schema", in the order in which they
# are created.
read_definitions() {
    : >"$EXTENSIONS"
    pg_restore --file=- --no-tablespaces --schema-only "$HEAD" | statements -v report=roles -v extensions="$EXTENSIONS" | sort -u
}

# dump_counts: how many tables, views and routines were to be restored.
dump_counts() {
    # 1259 and 1255 are pg_class and pg_proc: entries of rows and attachments have no object of their own.
    awk '/^[0-9]+; 1259 [0-9]+ TABLE / { tables++ } /^[0-9]+; 1259 [0-9]+ VIEW / { views++ } /^[0-9]+; 1255 [0-9]+ / { routines++ }
        END { printf "%d %d %d\n", tables, views, routines }' "$BACKUP_DIRECTORY/restored.list"
}
