# shellcheck shell=bash
# How the server is reached: programs, option file, statements.
unset "${!MYSQL@}" "${!MARIADB@}"
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

# program NAME OLD_NAME
program() { command -v "$1" || command -v "$2" || fail "neither $1 nor $2 is installed on the machine of the agent: apt-get install mariadb-client"; }
CLIENT=$(program mariadb mysql)

# quoted TEXT: as a value of an option file
quoted() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail "user names and passwords must not contain control characters"
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
query() {
    "$CLIENT" --defaults-file="$OPTIONS" --batch --raw --skip-column-names --default-character-set=utf8mb4 --connect-timeout=30 <<<"$1"
}

# literal TEXT: as a string in SQL, whatever the sql_mode
literal() { printf "convert(x'%s' using utf8mb4)" "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')"; }
# identifier TEXT
identifier() { printf '`%s`' "${1//\`/\`\`}"; }

DATABASE_LITERAL=$(literal "${BACKUP_DATABASE:-}")
SCHEMA=$(identifier "${BACKUP_DATABASE:-}")

require_user_database() {
    case ${BACKUP_DATABASE,,} in
    mysql | sys | information_schema | performance_schema) fail "$BACKUP_DATABASE belongs to the server and is no item" ;;
    esac
}

# How many objects of each kind the account sees, one line.
object_counts() {
    query "SELECT concat_ws(' ',
        (SELECT count(*) FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')),
        (SELECT count(*) FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL AND table_type = 'SEQUENCE'),
        (SELECT count(*) FROM information_schema.views WHERE table_schema = $DATABASE_LITERAL),
        (SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = $DATABASE_LITERAL),
        (SELECT count(*) FROM information_schema.routines WHERE routine_schema = $DATABASE_LITERAL),
        (SELECT count(*) FROM information_schema.events WHERE event_schema = $DATABASE_LITERAL))"
}
