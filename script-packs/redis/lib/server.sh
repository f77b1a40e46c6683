# shellcheck shell=bash
# How the server is reached, and what its replies mean.
unset REDISCLI_AUTH VALKEYCLI_AUTH
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
# For what may be over at the next attempt.
fail_for_now() { say "$*"; exit 75; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

# program NAME: of Redis or of Valkey
program() { command -v "redis-$1" || command -v "valkey-$1" || fail "neither redis-$1 nor valkey-$1 is installed on the machine of the agent: apt-get install $2"; }
CLIENT=$(program cli redis-tools)

use_account() {
    CONNECTION=(-h "$BACKUP_HOST" -p "${BACKUP_PORT:-6379}")
    # Before version 6 a server has no names of accounts, and takes a password alone.
    case $1 in '' | default) ;; *) CONNECTION+=(--user "$1") ;; esac
    if [ "${BACKUP_PARAMETER_TLS:-false}" = true ]; then CONNECTION+=(--tls); fi
    if [ -n "${BACKUP_PARAMETER_TLS_CA:-}" ]; then CONNECTION+=(--cacert "$BACKUP_PARAMETER_TLS_CA"); fi
    PASSWORD=$2
}
use_reading_account() { use_account "${BACKUP_BACKUP_USERNAME:-$BACKUP_USERNAME}" "${BACKUP_BACKUP_PASSWORD:-$BACKUP_PASSWORD}"; }

# client ARGUMENT...: the password is in the environment of the client alone
client() { REDISCLI_AUTH=$PASSWORD VALKEYCLI_AUTH=$PASSWORD "$CLIENT" "${CONNECTION[@]}" "$@"; }

# The client exits with 0 after an error reply, after a failed authentication continues without one, and of commands on its standard
# input exits with 0 also if it has no connection: it says so on standard error alone.
is_error_reply() { [[ $1 =~ ^(\(error\)\ )?-?[A-Z][A-Z0-9]+(\ |$) ]] && ! [[ $1 =~ ^(OK|PONG)(\ |$) ]]; }

# attempt COMMAND [OPTION...]: prints the reply; status 1 with the reason in REASON after an error. The command goes through standard input.
attempt() {
    local command=$1 errors=$BACKUP_DIRECTORY/client-errors reply status=0
    shift
    reply=$(client "$@" <<<"$command" 2>"$errors") || status=$?
    REASON=
    if [ -s "$errors" ]; then REASON=$(grep -E '^(AUTH failed|Could not connect|Error: |I/O error)' "$errors" | grep -v -m 1 'without any password configured' || true); fi
    if [ -z "$REASON" ] && [ "$status" != 0 ]; then REASON=$(tail -n 1 "$errors"); REASON="${REASON:-the client ended with status $status} ${reply:0:200}"; fi
    if [ -z "$REASON" ] && is_error_reply "${reply%%$'\n'*}"; then REASON=${reply:0:300}; fi
    [ -z "$REASON" ] || return 1
    printf '%s\n' "${reply//$'\r'/}"
}
ask() {
    attempt "$@" && return
    case $REASON in
    'Could not connect'* | 'Error: '* | 'I/O error'*) fail_for_now "the server at $BACKUP_HOST cannot be reached: $REASON" ;;
    *) fail "the server at $BACKUP_HOST does not answer ${1%% *}: $REASON" ;;
    esac
}

# field NAME <INFO
field() { sed -n "s/^$1://p" | head -n 1; }
# literal TEXT: as an argument in a command, whatever is in it
literal() { printf '"%s"' "$(printf %s "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')"; }

ITEM=server
require_whole_server() {
    [ "$BACKUP_DATABASE" = "$ITEM" ] || fail "there is no item $BACKUP_DATABASE: a server is backed up as a whole, as the item \"$ITEM\""
}

# require_single INFO: a node of a cluster has a part of the data only
require_single() {
    [ "$(field cluster_enabled <<<"$1")" != 1 ] || fail "the server is a node of a cluster and has a part of the data only: this pack backs up single servers"
    [ "$(field redis_mode <<<"$1")" != sentinel ] || fail "this is a sentinel, not a server with data: give its server's address"
}

# Whether a dump is whole, by its last bytes: the end of an RDB file and, if the server sent it without writing a file, a mark of
# 40 digits, which the client leaves there. Sets MARK_BYTES.
is_whole() {
    local hex
    hex=$(tail -c 49 -- "$1" | od -An -v -tx1 | tr -d ' \n')
    MARK_BYTES=0
    [ "${#hex}" -ge 18 ] || return 1
    [ "${hex: -18:2}" != ff ] || return 0
    MARK_BYTES=40
    [ "${#hex}" = 98 ] && [[ $hex =~ ^ff.{16}(3[0-9]|6[1-6]){40}$ ]]
}

# require_current INFO: a replica without its primary has old data, and a server that loads has none yet
require_current() {
    [ "$(field loading <<<"$1")" != 1 ] || fail_for_now "the server is loading its data"
    [ "$(field role <<<"$1")" = slave ] || return 0
    [ "$(field master_link_status <<<"$1")" = up ] || fail_for_now "the server is a replica that has lost its primary, so its data is old"
}

server_version() {
    local valkey
    valkey=$(field valkey_version <<<"$1")
    if [ -n "$valkey" ]; then echo "Valkey $valkey"; else echo "Redis $(field redis_version <<<"$1")"; fi
}

# total_keys <INFO
total_keys() { awk -F '[:=,]' '/^db[0-9]+:/ { sum += $3 } END { print sum + 0 }'; }
# What never expires, so that it can be compared at any time: keys of each database, and libraries of functions.
lasting() { awk -F '[:=,]' '/^db[0-9]+:/ && $3 > $5 { print $1, $3 - $5 } /^number_of_libraries:/ && $2 > 0 { print "libraries", $2 + 0 }' | sort; }
