#!/usr/bin/env bash
# Restores the dump on standard input: a temporary server loads it, and the target becomes its replica for as long as it takes to get
# the data. Files of the target are not touched: it would ignore an exchanged dump.rdb if it has an append-only file, and
# overwrite it when it stops.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
. "$PACK/lib/temporary.sh"
. "$PACK/lib/target.sh"
require_whole_server
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"

info=$(ask INFO)
require_restorable "$info"
RUN_ID=$(field run_id <<<"$info")
databases=$(target_setting databases | tr -d '"')
[[ $databases =~ ^[0-9]+$ ]] || fail "the account may not read the server's settings, which a restore needs: it must be allowed CONFIG GET and CONFIG SET"
replicates_over_tls=$(target_setting tls-replication)
[ "$replicates_over_tls" != '"yes"' ] || fail "the server replicates over TLS only, which this pack does not offer: restore into a server without tls-replication"
clients=$(ask $'CLIENT ID\nCLIENT LIST')
! grep -q ' name=sentinel-' <<<"$clients" || fail "sentinels watch the server and would interfere: remove it from them (SENTINEL REMOVE) until it is restored"
SOURCE_HOST=${BACKUP_PARAMETER_REPLICATION_ADDRESS:-}
bind='* -::*' CONTROL_HOST=127.0.0.1
if [ -z "$SOURCE_HOST" ]; then
    SOURCE_HOST=$(grep -m 1 "^id=$(head -n 1 <<<"$clients") " <<<"$clients" | sed -E 's/.* addr=([^ ]*):[0-9]+ .*/\1/; s/^\[(.*)\]$/\1/')
    [[ $SOURCE_HOST =~ ^[0-9a-fA-F.:]+$ ]] || fail "the address of the agent's machine is not known: set the parameter replication_address"
    bind=$SOURCE_HOST CONTROL_HOST=$SOURCE_HOST
fi
[[ $SOURCE_HOST =~ ^[0-9A-Za-z.:_-]+$ ]] || fail "the parameter replication_address is no address: $SOURCE_HOST"

# All of it before anything else: an input that is damaged or ends early costs nothing.
dump=$BACKUP_DIRECTORY/dump.rdb
cat >"$dump"
case $(head -c 5 -- "$dump") in REDIS | VALKE) ;; *) fail "this is no dump of Redis or Valkey" ;; esac
is_whole "$dump" || fail "the dump is not whole: its end is missing"
[ "$MARK_BYTES" = 0 ] || truncate -s "-$MARK_BYTES" -- "$dump"

trap stop_temporary EXIT
start_temporary "$BACKUP_DIRECTORY" "$databases" "$bind"
source_info=$(source_server INFO)
say "the dump has $(total_keys <<<"$source_info") keys that have not expired; $(field rdb_last_load_keys_expired <<<"$source_info") had expired"

# A server that cannot read the data would notice only after it has dropped its own. RESTORE with an expiry in the past tries the
# version of the format, and creates nothing.
probe=osb-backup-probe-$SOURCE_SECRET
source_server "SET $probe 1" >/dev/null
payload=$(source_server "DUMP $probe" --no-raw)
source_server "DEL $probe" >/dev/null
attempt "RESTORE $probe 1 $payload ABSTTL" >/dev/null ||
    fail "the server cannot read what the agent's version of Redis writes, so its data was not touched: $REASON. Install on the agent's machine a version that is not newer than the server's"

limit=$(field maxmemory <<<"$info")
if [ "${limit:-0}" != 0 ] && [ "$(field used_memory <<<"$source_info")" -gt "$limit" ]; then
    [ "$(field maxmemory_policy <<<"$info")" = noeviction ] ||
        fail "the data needs $(field used_memory <<<"$source_info") bytes of memory, but the server's maxmemory is $limit: it would evict keys at once"
    warn over-maxmemory "The restored data exceeds the server's maxmemory of $limit bytes, so it accepts no writes."
fi

replicate_from "$SOURCE_HOST" "$SOURCE_PORT" "$SOURCE_SECRET"
await_target
expected=$(source_server INFO | lasting)
info=$(ask INFO)
[ "$(lasting <<<"$info")" = "$expected" ] || fail "the server has other data than the dump after the replication: $(lasting <<<"$info" | paste -sd ' '), expected $(paste -sd ' ' <<<"$expected")"
saves=$(target_setting save)
await_persistence "$saves"
release_target
info=$(ask INFO)
[ "$(field run_id <<<"$info")" = "$RUN_ID" ] || fail_for_now "the server was restarted during the restore"
printf '%s\n' "$expected" >"$BACKUP_DIRECTORY/lasting"
stop_temporary
rm -f -- "$dump"
