# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what is set here
# Sourced by the other scripts: where the item lies, and where a restore puts things meanwhile. All of it is in the root,
# so that moving is one rename on one file system.
: "${BACKUP_DATABASE:?}" "${BACKUP_JOB_ID:?}"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

root=${BACKUP_PARAMETER_DIRECTORY:-}
case $root in
/*) ;;
*) fail "set the service instance's parameter \"directory\" to the absolute path of the directory that holds $BACKUP_DATABASE" ;;
esac
[ -d "$root" ] || fail "the parameter \"directory\" names no directory: $root"

directory=$root/$BACKUP_DATABASE
fresh=$root/.$BACKUP_DATABASE.restoring-$BACKUP_JOB_ID
old=$root/.$BACKUP_DATABASE.replaced-$BACKUP_JOB_ID

# Directories without the right to write cannot be emptied, save by root.
remove() {
    [ -e "$1" ] || return 0
    find "$1" -type d ! -perm -u+rwx -exec chmod u+rwx {} \; 2>/dev/null || true
    rm -rf -- "$1"
}
