#!/usr/bin/env bash
# Fails early, with a reason, where pg_dump or a later restore would fail late, and warns of what a restore will need.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
export PACK
. "$PACK/lib/messages.sh"
. "$PACK/lib/parameters.sh"
. "$PACK/lib/connection.sh"
. "$PACK/lib/standby.sh"
. "$PACK/lib/backup-account.sh"

if is_globals_item; then
    choose_globals_account
    exit 0
fi
choose_backup_account
say "server version $SERVER_MAJOR ($SERVER_VERSION), pg_dump $TOOLS_MAJOR, dumping as $(user_of "$ACCOUNT")"
. "$PACK/lib/previous-databases.sh"
if [ "$IS_STANDBY" = f ]; then
    drop_expired_databases main ${SECOND_ACCOUNT:+second}
elif [ "$IS_CONNECTED" = f ]; then
    warn standby "This standby is not connected to its primary: the backup contains what it had replayed until $REPLAYED_AT UTC."
elif [ "$LAG_SECONDS" -gt "$MAX_LAG_SECONDS" ]; then
    warn standby "This standby is $LAG_SECONDS seconds behind its primary: the backup contains what it had replayed until $REPLAYED_AT UTC."
fi
if [ "$IS_STANDBY" = t ] && has_unlogged_tables; then
    fail "$BACKUP_DATABASE has unlogged tables, which are empty on a standby: back up the primary"
fi

errors=() needs=()
while IFS=$'\t' read -r severity code sentence; do
    case $severity in
    "") ;;
    error) errors+=("$sentence") ;;
    need) needs+=("$sentence") ;;
    size) bytes=$code size=$sentence ;;
    foreign) if ! can_create_databases; then warn "$code" "${sentence^}."; fi ;;
    *) warn "$code" "${sentence^}." ;;
    esac
done <<<"$FINDINGS"

# Where no account can create databases, a restore is one transaction.
if ! can_create_databases; then
    locks=$(sql "$ACCOUNT" "$BACKUP_DATABASE" --file="$PACK/sql/owner.sql" --file="$PACK/sql/locks.sql")
    IFS=$'\t' read -r dropped created available _ connections <<<"${locks#*$'\n'}"
    # Few locks are not worth a word.
    [ $((dropped + created)) -lt $((available / 4)) ] || needs+=("$((dropped + created)) locks in mode in-place")
    if [ $((dropped + created)) -gt "$available" ]; then
        warn locks "A restore in mode in-place takes $((dropped + created)) locks in one transaction, the server has $available: set max_locks_per_transaction to $(((dropped + created) * 12 / 10 / connections + 1)) before it, or give the instance an account that may create databases."
    fi
    if [ "${locks%%$'\n'*}" != t ]; then
        warn restore-account "The account $(user_of "$ACCOUNT") can dump this database, but neither owns it nor may create databases: a restore needs its owner or a privileged account."
    fi
fi
needs+=("about $size of disk")
[ ${#needs[@]} = 1 ] || warn restore-needs "A restore on another server needs $(printf '%s; ' "${needs[@]}" | sed 's/; $//')."

echo "expectedSizeBytes=$bytes"
if [ ${#errors[@]} != 0 ]; then
    say "this database cannot be backed up so that it can be restored:"
    fail "$(printf '%s\n' "${errors[@]}")"
fi
