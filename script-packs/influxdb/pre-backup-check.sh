#!/usr/bin/env bash
# Fails early where a backup would fail late, or could not be restored.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
version=$(curl --disable --config "$CURL" --max-time 60 --head "$URL/ping" | tr -d '\r' | sed -nE 's/^X-Influxdb-Version: *//pI')
[[ ${version#v} == 1.* ]] || fail "the server is of version \"$version\": this pack is for InfluxDB 1.x"
has_database "$BACKUP_DATABASE" || fail "there is no database $BACKUP_DATABASE, or the account may not see it"
require_rpc
policies=$(api "SHOW RETENTION POLICIES ON $NAME" | jq -r '.results[0].series[]?.values[]?[0]')
[[ $policies != *[^\ -~$'\n']* ]] || fail "InfluxDB cannot restore a retention policy whose name is not ASCII: $policies"

# Found by trying: the points are there after a restore, and cannot be read.
lost=$(api "SHOW MEASUREMENTS ON $NAME" | jq -c '[.results[0].series[]?.values[]?[0] | select(test("[ =]"))] | .[0:5] | select(length > 0)')
[ -z "$lost" ] || fail "InfluxDB cannot restore measurements with a blank or an equals sign in their names: $lost"

bytes=$(api "SHOW STATS FOR 'shard'" | jq --arg name "$BACKUP_DATABASE" '[.results[0].series[]? | select(.tags.database == $name) | .columns as $columns | .values[0][$columns | index("diskBytes")]] | add // 0')
free=$(df --output=avail -B1 -- "$BACKUP_DIRECTORY" | tail -n 1)
[ "$free" -gt "$bytes" ] || fail "the copy needs up to $bytes bytes of scratch space, and $free are free"
say "InfluxDB $version, database $BACKUP_DATABASE"
echo "expectedSizeBytes=$bytes"
