# shellcheck shell=bash
# Where the database is, and how the client is called.
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
# For what may be over at the next attempt.
fail_for_now() { say "$*"; exit 75; }

command -v sqlite3 >/dev/null || fail "sqlite3 is not installed on the machine of the agent: apt-get install sqlite3"

ROOT=${BACKUP_PARAMETER_DIRECTORY:-}
case $ROOT in
/*) ;;
*) fail "set the service instance's parameter \"directory\" to the absolute path of the directory with the database files" ;;
esac
[ -d "$ROOT" ] || fail "the parameter \"directory\" names no directory: $ROOT"
FILE=$ROOT/${BACKUP_DATABASE:-}
# Beside the database, so that it takes its place in one rename.
FRESH=$ROOT/.${BACKUP_DATABASE:-}.restoring-$BACKUP_JOB_ID
OLD=$ROOT/.${BACKUP_DATABASE:-}.replaced-$BACKUP_JOB_ID
# Its presence says that the database had a write-ahead log, which was switched off.
HAD_LOG=$BACKUP_DIRECTORY/had-log
TIMEOUT_MS=$((${BACKUP_PARAMETER_BUSY_TIMEOUT_SECONDS:-60} * 1000))

# sqlite ARGUMENT...: without the settings of the account, and in the directory of the job, so that no name needs quotes. What
# a schema of a tenant calls must not touch files or load code.
sqlite() {
    (
        cd "$BACKUP_DIRECTORY" || exit 1
        export HOME=$BACKUP_DIRECTORY XDG_CONFIG_HOME=$BACKUP_DIRECTORY
        exec sqlite3 -batch -bail -cmd "PRAGMA trusted_schema=OFF" -cmd ".timeout $TIMEOUT_MS" "$@"
    )
}

# is_database FILE: by the first bytes; what is encrypted or empty is none
is_database() { [ "$(head -c 16 -- "$1" | od -An -v -tx1 | tr -d ' \n')" = 53514c69746520666f726d6174203300 ]; }

# require_file: it may be missing, but nothing else may be in its place
require_file() {
    [ ! -L "$FILE" ] || fail "$FILE is a symbolic link, which could lead anywhere: name the database itself"
    [ ! -e "$FILE" ] || [ -f "$FILE" ] || fail "$FILE is no file"
}

# number FILE OFFSET BYTES: a big-endian number of the header
number() { printf '%d' "0x$(od -An -v -tx1 -j "$2" -N "$3" -- "$1" | tr -d ' \n')"; }
page_size() { local size; size=$(number "$1" 16 2); [ "$size" != 1 ] || size=65536; echo "$size"; }

# check_copy FILE: fails if a file that nobody else uses is no whole, sound database
check_copy() {
    local found
    is_database "$1" || fail "this is no SQLite database"
    [ "$(($(page_size "$1") * $(number "$1" 28 4)))" = "$(stat -c %s -- "$1")" ] || fail "the database is not whole: its size is not the one in its header"
    case ${BACKUP_PARAMETER_INTEGRITY_CHECK:-full} in
    full) found=$(sqlite -safe "$1" 'PRAGMA cell_size_check=ON; PRAGMA integrity_check(10);' 2>&1) || true ;;
    quick) found=$(sqlite -safe "$1" 'PRAGMA cell_size_check=ON; PRAGMA quick_check(10);' 2>&1) || true ;;
    none) return 0 ;;
    esac
    [ "$found" = ok ] || fail "the database is damaged: ${found:0:1000}"
}
