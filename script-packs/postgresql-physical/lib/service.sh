# shellcheck shell=bash
# The server as a service of the machine. Change this file where systemd does not start it.
SERVICE=${BACKUP_PARAMETER_SERVICE:-}
# Fails, with a message, if the parameter names no unit of PostgreSQL: an instance must not stop other services.
is_service_valid() {
    [[ $SERVICE =~ ^(postgresql(@[A-Za-z0-9_.-]+|-[0-9.]+)?(\.service)?)?$ ]] && return
    say "the parameter service must name a unit of PostgreSQL (postgresql, postgresql@15-main), not \"$SERVICE\""
    return 1
}

# is_in_use DIRECTORY: whether a server works in it. Its processes change to the data directory.
is_in_use() {
    [ -d "$1" ] || return 1
    local process
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/cwd" 2>/dev/null)" = "$1" ] && grep -qE '^(postgres|postmaster)' "$process/comm" 2>/dev/null; then return 0; fi
    done
    return 1
}

# stop_server DIRECTORY: returns when nothing works in it any more
stop_server() {
    is_in_use "$1" || [ -n "$SERVICE" ] || return 0
    [ -n "$SERVICE" ] || fail "a server works in $1: stop it, or name its systemd unit in the parameter service"
    systemctl stop -- "$SERVICE" || fail "systemd did not stop $SERVICE"
    local attempt
    for ((attempt = 0; attempt < 300; attempt++)); do
        is_in_use "$1" || return 0
        sleep 0.2
    done
    fail "a server still works in $1 after $SERVICE was stopped: is it another unit's?"
}

start_server() {
    [ -n "$SERVICE" ] || return 0
    systemctl start -- "$SERVICE" || fail "systemd did not start $SERVICE"
}
