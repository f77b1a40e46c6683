#!/usr/bin/env bash
# Copies the database to scratch space, checks the copy, and writes it to standard output as a tar archive.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_item
require_rpc
has_database "$BACKUP_DATABASE" || fail "there is no database $BACKUP_DATABASE"

copy=$BACKUP_DIRECTORY/copy
series=$(series_of "$BACKUP_DATABASE")
fields=$(fields_of "$BACKUP_DATABASE")
before=$(shards_of "$BACKUP_DATABASE")
influxd backup -portable -host "$RPC" -db "$BACKUP_DATABASE" "$copy" >&2
[ "$(series_of "$BACKUP_DATABASE")" = "$series" ] || series=null
[ "$(fields_of "$BACKUP_DATABASE")" = "$fields" ] || fields=

# Of the shards that existed all the time, each is in the copy: otherwise the RPC service is another server's.
manifest=$(manifest_of "$copy")
for shard in $(sort <<<"$before" | comm -12 - <(shards_of "$BACKUP_DATABASE" | sort)); do
    jq -e --argjson id "$shard" --arg name "$BACKUP_DATABASE" 'any(.files[]?; .shardID == $id and .database == $name)' "$manifest" >/dev/null ||
        fail "the copy lacks the shard $shard: does $RPC belong to the server at $URL?"
done
jq -r '.files[]?.fileName, .meta.fileName' "$manifest" | while IFS= read -r file; do
    [ -s "$copy/$file" ] || fail "the copy lacks the file $file"
    [[ $file != *.gz ]] || gzip --test -- "$copy/$file"
done

api 'SHOW CONTINUOUS QUERIES' | jq --arg name "$BACKUP_DATABASE" --argjson series "$series" --arg fields "$fields" \
    '{database: $name, series: $series, fields: $fields, continuousQueries: [.results[0].series[]? | select(.name == $name) | .values[]?[1]]}' >"$copy/$TRAILER"
# The trailer comes last, and proves that the archive is whole.
(cd "$copy" && find . -maxdepth 1 -type f ! -name "$TRAILER" -printf '%f\0' | sort -z | tar --create --null --files-from=- --owner=0 --group=0 --numeric-owner --file=- --add-file="$TRAILER")
