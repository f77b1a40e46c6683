#!/usr/bin/env bash
# Backs up the cluster into pgBackRest's repository. The dump is the receipt: which backup it is, and the digest of its manifest.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/cluster.sh"
. "$PACK/lib/receipt.sh"
use_config
require_stanza
use_directory
DATA=$(realpath -- "$CONFIGURED")
find_owner

options=(--type="${BACKUP_PARAMETER_BACKUP_TYPE:-incr}" --start-fast --annotation=osb-backup-job="$BACKUP_JOB_ID")
[ "${BACKUP_PARAMETER_EXPIRE:-false}" = true ] || options+=(--no-expire-auto)
log=$BACKUP_DIRECTORY/log
pgbackrest_of "$BACKUP_DATABASE" "${options[@]}" backup >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    # Another backup of the stanza runs, of pgBackRest's own schedule perhaps.
    if grep -q 'ERROR: \[050\]' "$log"; then exit 75; fi
    exit 1
}
tail -n 20 "$log" >&2
label=$(sed -nE 's/.*INFO: new backup label = ([0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?)$/\1/p' "$log")
[[ $label == [0-9]* && $label != *$'\n'* ]] || fail "pgBackRest does not say which backup it made"
grep -qE 'INFO: backup command end: completed successfully' "$log" || fail "pgBackRest does not say that the backup is complete"
digest=$(manifest_digest "$BACKUP_DATABASE" "$label")
receipt_of "$BACKUP_DATABASE" "$label" "$digest"
