#!/usr/bin/env bash
# Writes the database to standard output, as of one moment.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
require_user_database
use_reading_account
dump=$(program mariadb-dump mysqldump)

read -r tables sequences views triggers routines events <<<"$(object_counts)"
IFS=$'\t' read -r charset collation <<<"$(query "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = $DATABASE_LITERAL")"
printf '{"characterSet":"%s","collation":"%s","tables":%d,"sequences":%d,"views":%d,"triggers":%d,"routines":%d,"events":%d}\n' \
    "$charset" "$collation" "$tables" "$sequences" "$views" "$triggers" "$routines" "$events" >"$BACKUP_METADATA"

options=(--quick --routines --events --triggers --hex-blob --default-character-set=utf8mb4 --no-tablespaces --max-allowed-packet=1G)
if [ "${BACKUP_PARAMETER_NON_TRANSACTIONAL:-fail}" = lock ]; then options+=(--lock-tables); else options+=(--single-transaction --skip-lock-tables); fi
[ "$(query "SELECT count(*) FROM information_schema.tables WHERE table_schema = $DATABASE_LITERAL AND table_type = 'SYSTEM VERSIONED'")" = 0 ] || options+=(--dump-history)
"$dump" --defaults-file="$OPTIONS" "${options[@]}" -- "$BACKUP_DATABASE"

# Objects that were created or dropped meanwhile would be in the dump, or not, as it happens.
[ "$(object_counts)" = "$tables $sequences $views $triggers $routines $events" ] || {
    say "objects were created or dropped while the database was dumped"
    exit 75
}
