# shellcheck shell=bash
# Names, accounts and directories, and how the server is reached.
unset "${!MYSQL@}" "${!MARIADB@}"
umask 077
PATH=$PATH:/usr/sbin:/sbin
# The only item: a physical copy is of the whole server.
ITEM=server
# What is last in a dump.
TRAILER=osb-backup-complete

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

require_item() {
    [ "$BACKUP_DATABASE" = "$ITEM" ] ||
        fail "mariadb-backup copies the whole server, and no single database: the only item is \"$ITEM\", not \"$BACKUP_DATABASE\""
}

require_programs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: apt-get install mariadb-backup mariadb-server"
    done
}

# The data directory, links resolved, and what lies beside it during a restore. Fails, with a message, if the parameter names none.
use_directory() {
    DATA=${BACKUP_PARAMETER_DATA_DIRECTORY:-/var/lib/mysql}
    if [[ $DATA != /* || $DATA == *[[:cntrl:]]* ]]; then say "the parameter data_directory must be an absolute path"; return 1; fi
    DATA=$(realpath -m -- "$DATA")
    PARENT=$(dirname "$DATA")
    if [ "$PARENT" = / ]; then say "the parameter data_directory must be at least two levels below /, not $DATA"; return 1; fi
    local beside
    beside=$PARENT/.$(basename "$DATA")
    FRESH=$beside.restoring-$BACKUP_JOB_ID
    # The former data, until `verify` has accepted the new one; then `obsolete`.
    REPLACED=$beside.replaced-$BACKUP_JOB_ID
    OBSOLETE=$beside.obsolete-$BACKUP_JOB_ID
    # Exists from before the server is stopped until it runs again.
    STOPPED=$beside.stopped-$BACKUP_JOB_ID
}

# The account that the server runs as: nothing of a dump is read, written or executed as another one.
find_owner() {
    local of=$DATA
    if [ -e "$REPLACED" ]; then of=$REPLACED; fi
    if [ -d "$of" ]; then
        OWNER=$(stat -c %u -- "$of") GROUP=$(stat -c %g -- "$of")
    elif [ "$EUID" = 0 ]; then
        OWNER=$(id -u mysql) || fail "there is no account mysql to give $DATA to"
        GROUP=$(id -g mysql)
    else
        OWNER=$EUID GROUP=$(id -g)
    fi
    [ "$OWNER" != 0 ] || fail "$of belongs to root: give it to the account of the server"
    [ "$EUID" = 0 ] || [ "$EUID" = "$OWNER" ] || fail "the scripts run as $(id -un), but $of belongs to $(stat -c %U -- "$of"): run them as that account or as root"
}

# as_owner COMMAND…: without the passwords of the job in its environment
as_owner() {
    local clean=(env -i PATH="$PATH" LANG="${LANG:-C.UTF-8}" HOME=/nonexistent)
    if [ "$EUID" = "$OWNER" ]; then "${clean[@]}" "$@"; else setpriv --reuid "$OWNER" --regid "$GROUP" --clear-groups -- "${clean[@]}" "$@"; fi
}

# quoted TEXT: as a value of an option file
quoted() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail "user names, passwords and paths must not contain control characters"
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# use_account USERNAME PASSWORD: the password is in a file that nobody else can read, never in an argument
use_account() {
    OPTIONS=$BACKUP_DIRECTORY/client.cnf
    {
        printf '[client]\nprotocol=tcp\nhost=%s\n' "$(quoted "$BACKUP_HOST")"
        [ -z "${BACKUP_PORT:-}" ] || printf 'port=%s\n' "$BACKUP_PORT"
        printf 'user=%s\npassword=%s\n' "$(quoted "$1")" "$(quoted "$2")"
        [ -z "${BACKUP_PARAMETER_SSL_CA:-}" ] || printf 'ssl-ca=%s\nssl-verify-server-cert\n' "$(quoted "$BACKUP_PARAMETER_SSL_CA")"
    } >"$OPTIONS"
}

# The account that reads: the second one, where there is one.
use_reading_account() { use_account "${BACKUP_BACKUP_USERNAME:-$BACKUP_USERNAME}" "${BACKUP_BACKUP_PASSWORD:-$BACKUP_PASSWORD}"; }

# query STATEMENT: one line a row, columns separated by tabs
query() { mariadb --defaults-file="$OPTIONS" --batch --raw --skip-column-names --default-character-set=utf8mb4 --connect-timeout=30 <<<"$1"; }

# series VERSION: the first two numbers
series() { sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$1"; }
program_version() { mariadb-backup --version 2>&1 | sed -nE 's/.*MariaDB server ([0-9]+\.[0-9]+\.[0-9]+).*/\1/p'; }

# Every program of the suite says so on its last line; its status alone proves less.
# require_completed LOG STATUS WHAT
require_completed() {
    [ "$2" = 0 ] && tail -n 1 "$1" | grep -q 'completed OK!$' && return
    tail -n 30 "$1" >&2
    fail "$3 did not complete (status $2)"
}
