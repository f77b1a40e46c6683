# shellcheck shell=bash
# Stanza, accounts and directories, and how pgBackRest and the programs of PostgreSQL are run.
unset "${!PG@}"
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

# Fails, with a message, if the parameter names no file that only the administrator or its owner can change: pgBackRest runs what is in it.
use_config() {
    CONFIG=${BACKUP_PARAMETER_CONFIG:-/etc/pgbackrest.conf}
    if [[ $CONFIG != /* || $CONFIG == *[[:cntrl:]]* ]]; then say "the parameter config must be an absolute path"; return 1; fi
    if [ ! -f "$CONFIG" ]; then say "there is no file $CONFIG: set the parameter config to pgBackRest's configuration"; return 1; fi
    if [ -n "$(find -L "$CONFIG" -perm /022)" ]; then say "$CONFIG can be changed by other accounts: chmod go-w"; return 1; fi
}

# The sections of the configuration that are stanzas.
stanzas() { sed -nE 's/^\[([A-Za-z0-9_.-]+)\][[:space:]]*$/\1/p' "$CONFIG" | grep -vxF global || true; }

# configured STANZA OPTION: its value in the section of a stanza
configured() {
    awk -v section="[$1]" -v option="$2" '
        /^\[/ { is_here = $1 == section }
        is_here && match($0, /^[ \t]*[a-z0-9-]+[ \t]*=[ \t]*/) {
            name = substr($0, 1, RLENGTH); gsub(/[ \t=]/, "", name)
            value = substr($0, RLENGTH + 1); sub(/[ \t]+$/, "", value)
            if (name == option) print value
        }' "$CONFIG" | tail -n 1
}

require_stanza() {
    stanzas | grep -qxF -- "$BACKUP_DATABASE" ||
        fail "$CONFIG has no stanza \"$BACKUP_DATABASE\": an item of this pack is a stanza, and so a whole cluster ($(stanzas | paste -sd ' '))"
}

# The data directory, links resolved, and what lies beside it during a restore. Fails, with a message, if none is named.
use_directory() {
    CONFIGURED=$(configured "$BACKUP_DATABASE" pg1-path)
    DATA=${BACKUP_PARAMETER_DATA_DIRECTORY:-$CONFIGURED}
    if [ -z "$DATA" ]; then say "the stanza $BACKUP_DATABASE has no pg1-path in $CONFIG"; return 1; fi
    if [[ $DATA != /* || $DATA == *[[:cntrl:]]* ]]; then say "the data directory must be an absolute path"; return 1; fi
    DATA=$(realpath -m -- "$DATA")
    PARENT=$(dirname "$DATA")
    if [ "$PARENT" = / ]; then say "the data directory must be at least two levels below /, not $DATA"; return 1; fi
    local beside
    beside=$PARENT/.$(basename "$DATA")
    FRESH=$beside.restoring-$BACKUP_JOB_ID
    # The former data, until `verify` has accepted the new one; then `obsolete`.
    REPLACED=$beside.replaced-$BACKUP_JOB_ID
    OBSOLETE=$beside.obsolete-$BACKUP_JOB_ID
    # Exists from before the server is stopped until it runs again.
    STOPPED=$beside.stopped-$BACKUP_JOB_ID
}

# The account that the server runs as: nothing of a backup is read, written or executed as another one.
find_owner() {
    if [ -d "$DATA" ]; then
        OWNER=$(stat -c %u -- "$DATA") GROUP=$(stat -c %g -- "$DATA")
    elif [ "$EUID" = 0 ]; then
        OWNER=$(id -u postgres) || fail "there is no account postgres to give $DATA to"
        GROUP=$(id -g postgres)
    else
        OWNER=$EUID GROUP=$(id -g)
    fi
    [ "$OWNER" != 0 ] || fail "$DATA belongs to root: give it to the account of the server"
    [ "$EUID" = 0 ] || [ "$EUID" = "$OWNER" ] || fail "the scripts run as $(id -un), but $DATA belongs to $(stat -c %U -- "$DATA"): run them as that account or as root"
}

# as_owner COMMAND…: without the passwords of the job in its environment, in a directory that the account can be in
as_owner() {
    local clean=(env -i -C / PATH="$PATH" LC_ALL=C.UTF-8 HOME=/nonexistent TZ=UTC)
    if [ "$EUID" = "$OWNER" ]; then "${clean[@]}" "$@"; else setpriv --reuid "$OWNER" --regid "$GROUP" --clear-groups -- "${clean[@]}" "$@"; fi
}

# pgbackrest_of STANZA OPTION… COMMAND…
pgbackrest_of() { as_owner pgbackrest --config="$CONFIG" --stanza="$1" --log-level-file=off --log-level-stderr=off --log-level-console=info "${@:2}"; }

# The digest of what a backup consists of: names, sizes and checksums of all of its files, also those of the backups that it builds on.
manifest_digest() {
    as_owner pgbackrest --config="$CONFIG" --stanza="$1" --log-level-file=off --log-level-console=off --log-level-stderr=error \
        repo-get "backup/$1/$2/backup.manifest" | sha256sum | cut -d ' ' -f 1
}
