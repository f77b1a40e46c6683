# shellcheck shell=bash
# Exchanges the data directory of the member. A new one is built beside it.
DATA=${BACKUP_PARAMETER_DATA_DIRECTORY:-}
case $DATA in
/*) DATA=${DATA%/} ;;
*) fail "set the service instance's parameter \"data_directory\" to the absolute path of etcd's data directory" ;;
esac
[ ! -L "$DATA" ] || fail "$DATA is a symbolic link: give the path of the directory itself"
[ -d "${DATA%/*}" ] || fail "there is no directory ${DATA%/*}"
FRESH=$DATA.restoring-$BACKUP_JOB_ID
OLD=$DATA.replaced-$BACKUP_JOB_ID
# Its presence says that the server has to be started.
STOPPED=$BACKUP_DIRECTORY/stopped
SERVICE=${BACKUP_PARAMETER_SERVICE:-etcd}
[[ $SERVICE =~ ^[A-Za-z0-9][A-Za-z0-9@._:-]*$ ]] || fail "the parameter service is no name of a unit: $SERVICE"

stop_server() {
    touch "$STOPPED"
    systemctl stop -- "$SERVICE" || fail "$SERVICE cannot be stopped, so nothing was exchanged"
    [ ! -e "$DATA/member/snap/db" ] || [ -z "$(find -L /proc/[0-9]*/fd -maxdepth 1 -samefile "$DATA/member/snap/db" -print -quit 2>/dev/null)" ] ||
        fail "a process still has the data open after $SERVICE was stopped: is this the unit of the server?"
}

start_server() {
    [ -e "$STOPPED" ] || return 0
    systemctl start -- "$SERVICE" || fail "$SERVICE cannot be started: journalctl -u $SERVICE says why"
    rm -f -- "$STOPPED"
}
