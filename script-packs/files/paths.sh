# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what is set here
# Sourced by the other scripts: where the item lies, and where a restore puts things meanwhile. All of it is in the root,
# so that moving is one rename on one file system.
# Messages of tar are read by the scripts.
export LC_ALL=C
unset TAR_OPTIONS POSIXLY_CORRECT

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

root=${BACKUP_PARAMETER_DIRECTORY:-}
case $root in
/*) ;;
*) fail "set the service instance's parameter \"directory\" to the absolute path of the directory that holds ${BACKUP_DATABASE:-the items}" ;;
esac
[ -d "$root" ] || fail "the parameter \"directory\" names no directory: $root"

directory=$root/${BACKUP_DATABASE:-}
fresh=$root/.${BACKUP_DATABASE:-}.restoring-$BACKUP_JOB_ID
old=$root/.${BACKUP_DATABASE:-}.replaced-$BACKUP_JOB_ID

# Directories without the right to write cannot be emptied, save by root.
remove() {
    [ -e "$1" ] || return 0
    find "$1" -type d ! -perm -u+rwx -exec chmod u+rwx {} \; 2>/dev/null || true
    rm -rf -- "$1"
}

# Goes to the item. A link in its place could lead to files that its owner may not read, also if it is put there at this moment.
enter_directory() {
    [ -d "$directory" ] || fail "there is no directory $directory"
    local parent
    parent=$(cd -- "$root" && pwd -P)
    cd -- "$directory" || fail "$directory cannot be entered"
    [ "$(pwd -P)" = "${parent%/}/$BACKUP_DATABASE" ] || fail "$directory is a symbolic link, which could lead anywhere: name the directory itself"
}

# Whether a file has the end of an archive: two blocks of zeros. tar takes an archive that lacks them for complete.
has_archive_end() { [ "$(stat -c %s -- "$1")" = 1024 ] && [ -z "$(tr -d '\0' <"$1" | head -c 1)" ]; }
