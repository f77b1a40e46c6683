# shellcheck shell=bash
# How the management API is reached.
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for program in curl jq; do command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: apt-get install $program"; done

scheme=http
[ -z "${BACKUP_PARAMETER_TLS_CA:-}" ] || scheme=https
host=$BACKUP_HOST
case $host in *:*) host="[$host]" ;; esac
API="$scheme://$host:${BACKUP_PORT:-15672}/api"
ACCESS=$BACKUP_DIRECTORY/access

# use_account USERNAME PASSWORD: the password is in a file that nobody else can read, never in an argument
use_account() {
    case $1 in *:*) fail "the name of the account must not contain a colon" ;; esac
    case $1$2 in *[[:cntrl:]]*) fail "user names and passwords must not contain control characters" ;; esac
    local account="$1:$2"
    account=${account//\\/\\\\}
    {
        printf 'user = "%s"\nsilent\nshow-error\nfail-with-body\ngloboff\npath-as-is\nconnect-timeout = 30\n' "${account//\"/\\\"}"
        [ -z "${BACKUP_PARAMETER_TLS_CA:-}" ] || printf 'cacert = "%s"\n' "${BACKUP_PARAMETER_TLS_CA//[\"\\]/}"
    } >"$ACCESS"
}
use_reading_account() { use_account "${BACKUP_BACKUP_USERNAME:-$BACKUP_USERNAME}" "${BACKUP_BACKUP_PASSWORD:-$BACKUP_PASSWORD}"; }

# get PATH: an answer that is no JSON, or was cut off, is an error
get() {
    local answer=$BACKUP_DIRECTORY/answer
    if ! curl -q --config "$ACCESS" --output "$answer" "$API/$1"; then
        fail "RabbitMQ does not answer /api/${1%%\?*}: $(head -c 300 -- "$answer" 2>/dev/null || true)"
    fi
    jq -c . -- "$answer" || fail "RabbitMQ answers /api/${1%%\?*} with something else than JSON"
}

GLOBAL=%global
# The name of the virtual host, with what an item cannot contain as %XX; and the same in a URL.
VHOST=$(jq -rn --arg item "${BACKUP_DATABASE:-}" '$item | gsub("\\+"; "%2B") | @uri | gsub("%25(?<hex>[0-9A-F]{2})"; "%" + .hex)')

is_global() { [ "$BACKUP_DATABASE" = "$GLOBAL" ]; }

# find_vhost: prints its name
find_vhost() {
    get vhosts | jq -er --arg vhost "$VHOST" '.[].name | select(@uri == $vhost)' || fail "there is no virtual host $BACKUP_DATABASE, or the account may not see it"
}

# read_definitions FILE: what the account sees, in the form in which it is compared
read_definitions() {
    local part
    if is_global; then
        get definitions >"$BACKUP_DIRECTORY/read"
        jq -c -f "$LIB/global.jq" -- "$BACKUP_DIRECTORY/read" >"$1"
        return
    fi
    find_vhost >/dev/null
    for part in vhosts "queues/$VHOST" "exchanges/$VHOST" "bindings/$VHOST" "policies/$VHOST" parameters overview; do
        get "$part"
    done >"$BACKUP_DIRECTORY/read"
    jq -c -s -f "$LIB/vhost.jq" --arg vhost "$VHOST" -- "$BACKUP_DIRECTORY/read" >"$1"
}
