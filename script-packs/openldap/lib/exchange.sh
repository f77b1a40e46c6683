# shellcheck shell=bash
# Exchanges the file of a database. A new one is built in its directory, so that it takes its place in one rename.
FRESH=$FILES/.osb-backup-restoring-$BACKUP_JOB_ID
# Its presence says that the server has to be started.
STOPPED=$BACKUP_DIRECTORY/stopped
SERVICE=${BACKUP_PARAMETER_SERVICE:-slapd}
[[ $SERVICE =~ ^[A-Za-z0-9][A-Za-z0-9@._:-]*$ ]] || fail "the parameter service is no name of a unit: $SERVICE"

has_open() { [ -n "$(find -L /proc/[0-9]*/fd -maxdepth 1 -samefile "$1" -print -quit 2>/dev/null)" ]; }

stop_server() {
    touch "$STOPPED"
    systemctl stop -- "$SERVICE" || fail "$SERVICE cannot be stopped, so nothing was exchanged"
    [ ! -e "$FILES/data.mdb" ] || ! has_open "$FILES/data.mdb" || fail "a process still has the database open after $SERVICE was stopped: is this the unit of the server?"
}

start_server() {
    [ -e "$STOPPED" ] || return 0
    systemctl start -- "$SERVICE" || fail "$SERVICE cannot be started: journalctl -u $SERVICE says why"
    rm -f -- "$STOPPED"
}
