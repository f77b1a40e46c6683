# shellcheck shell=bash
# How the server is reached.
unset "${!ETCDCTL_@}"
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

command -v etcdctl >/dev/null || fail "etcdctl is not installed on the machine of the agent: apt-get install etcd-client"

ITEM=server
require_whole_server() {
    [ "$BACKUP_DATABASE" = "$ITEM" ] || fail "there is no item $BACKUP_DATABASE: etcd is backed up as a whole, as the item \"$ITEM\""
}

scheme=http
if [ -n "${BACKUP_PARAMETER_TLS_CA:-}" ]; then
    scheme=https
    export ETCDCTL_CACERT=$BACKUP_PARAMETER_TLS_CA
    [ -z "${BACKUP_PARAMETER_TLS_CERT:-}" ] || export ETCDCTL_CERT=$BACKUP_PARAMETER_TLS_CERT
    [ -z "${BACKUP_PARAMETER_TLS_KEY:-}" ] || export ETCDCTL_KEY=$BACKUP_PARAMETER_TLS_KEY
fi
host=$BACKUP_HOST
case $host in *:*) host="[$host]" ;; esac
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS="$scheme://$host:${BACKUP_PORT:-2379}" ETCDCTL_DIAL_TIMEOUT=10s

# use_account USERNAME PASSWORD: in the environment of the client. Without authentication etcd takes no account at all.
use_account() {
    case $1 in *:*) fail "the name of the account must not contain a colon" ;; esac
    ACCOUNT="$1:$2"
}
use_reading_account() { use_account "${BACKUP_BACKUP_USERNAME:-$BACKUP_USERNAME}" "${BACKUP_BACKUP_PASSWORD:-$BACKUP_PASSWORD}"; }

# ctl ARGUMENT...
ctl() {
    local errors=$BACKUP_DIRECTORY/client-errors
    if ETCDCTL_USER=$ACCOUNT etcdctl "$@" 2>"$errors"; then
        cat -- "$errors" >&2
        return 0
    fi
    if grep -q 'authentication is not enabled' "$errors"; then
        etcdctl "$@"
        return
    fi
    cat -- "$errors" >&2
    return 1
}

# utl ARGUMENT...: what works on files; the client does it before version 3.5, and does it no more from 3.6 on
utl() { if command -v etcdutl >/dev/null; then etcdutl "$@"; else etcdctl "$@"; fi; }

# json_number NAME <JSON
json_number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" | head -n 1; }

# check_snapshot FILE: the hash at its end, which a copy of the database's file does not have, and its content. Prints the status.
check_snapshot() {
    local size
    size=$(stat -c %s -- "$1")
    [ "$((size % 512))" = 32 ] || fail "the snapshot is not whole: the hash at its end is missing"
    [ "$(head -c "$((size - 32))" -- "$1" | sha256sum | cut -d ' ' -f 1)" = "$(tail -c 32 -- "$1" | od -An -v -tx1 | tr -d ' \n')" ] ||
        fail "the snapshot is damaged: it does not have the hash at its end"
    utl snapshot status "$1" -w json || fail "the snapshot cannot be read"
}
