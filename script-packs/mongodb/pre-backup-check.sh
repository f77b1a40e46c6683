#!/usr/bin/env bash
# Fails early where a dump would fail late, or would lack something.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
use_reading_account
found=$(ask 'const hello = database("admin").runCommand({ hello: 1 })
print(`set ${hello.setName ?? ""}`)
print(`router ${hello.msg === "isdbgrid"}`)
print(`version ${database("admin").version()}`)
if (!isWhole) print(`exists ${connection.getDBNames().includes(item)}`)
const stats = isWhole ? database("admin").adminCommand({ listDatabases: 1 }).totalSize : database(item).stats().dataSize
print(`bytes ${Math.trunc(Number(stats))}`)
print("end")')
[ "$(tail -n 1 <<<"$found")" = end ] || fail "the server does not answer as MongoDB does"
value() { sed -nE "s/^$1 (.*)$/\1/p" <<<"$found"; }
[ "$(value router)" = false ] || fail "this is a router of a sharded cluster, which mongodump cannot back up consistently"
if [ "$BACKUP_DATABASE" = "$WHOLE" ]; then
    [ -n "$(value set)" ] || fail "the server is no member of a replica set, and has no oplog"
    [ "$(value set)" = "$BACKUP_PARAMETER_REPLICA_SET" ] || fail "the server belongs to the replica set $(value set), not to $BACKUP_PARAMETER_REPLICA_SET"
else
    [ "$(value exists)" = true ] || fail "there is no database $BACKUP_DATABASE, or the account may not see it"
    warn not-one-moment "A dump of one database is of no single moment: what is written while it runs is in it, or not. Back up the item \"$WHOLE\" of a replica set for that."
fi
say "MongoDB $(value version)"
echo "expectedSizeBytes=$(value bytes)"
