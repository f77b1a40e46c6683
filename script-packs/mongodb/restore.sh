#!/usr/bin/env bash
# Restores the archive on standard input with the rights of the instance's own account. Not atomic: README.md says what a killed restore
# leaves.
set -euo pipefail
PACK=$(cd "$(dirname "$0")" && pwd)
. "$PACK/lib/server.sh"
require_item
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
[ -s "$BACKUP_METADATA" ] || fail "the dump has no metadata, which says what it is of"
source=$(sed -nE 's/^\{"database":"([^"\\]*)",.*/\1/p' "$BACKUP_METADATA")
[[ -n $source && $source != *[*$\ /]* ]] || fail "the metadata of the dump is not that of this pack"
if [ "$source" = "$WHOLE" ] && [ "$BACKUP_DATABASE" != "$WHOLE" ]; then fail "the dump is of a whole replica set: restore the item \"$WHOLE\""; fi
if [ "$source" != "$WHOLE" ] && [ "$BACKUP_DATABASE" = "$WHOLE" ]; then fail "the dump is of the database $source alone"; fi

existing=$(counts)
[ -n "$existing" ] || fail "the collections cannot be counted"
[ "${existing% *}" = 0 ] || [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] ||
    fail "there are ${existing% *} collections already: restore under another name, or set the parameter replace"

options=(--archive --stopOnError --drop)
if [ "$BACKUP_DATABASE" = "$WHOLE" ]; then
    [ "${BACKUP_PARAMETER_TRUST_DUMP:-false}" = true ] ||
        fail "the dump of a whole replica set brings its users and roles: set the parameter trust_dump if you trust its administrators"
    options+=(--oplogReplay)
else
    # Nothing of another database, whatever the archive has; users and roles only where they are wanted.
    options+=(--nsInclude="$source.*")
    if [ "$source" != "$BACKUP_DATABASE" ]; then options+=(--nsFrom="$source.*" --nsTo="$BACKUP_DATABASE.*"); fi
    if [ "${BACKUP_PARAMETER_USERS_AND_ROLES:-false}" = true ]; then
        [ "${BACKUP_PARAMETER_TRUST_DUMP:-false}" = true ] || fail "users and roles are rights: set the parameter trust_dump to restore those of the dump"
        [ "$source" = "$BACKUP_DATABASE" ] || fail "users and roles can only be restored under the name of their database, $source"
        options=(--archive --stopOnError --drop --db="$source" --restoreDbUsersAndRoles)
    fi
fi

# Something else than a dump must not cost the live database: the first four bytes are those of mongodump.
begin=$BACKUP_DIRECTORY/begin
head -c 4 >"$begin"
[ "$(od -An -tx1 <"$begin" | tr -d ' \n')" = 6de29981 ] || fail "this is not the output of mongodump --archive"

# What was created since the backup would stay: mongorestore --drop drops what the archive has, and nothing else.
if [ "${existing% *}" != 0 ] && [ "$BACKUP_DATABASE" != "$WHOLE" ]; then
    say "dropping $BACKUP_DATABASE"
    ask 'database(item).dropDatabase(); print("end")' | grep -qx end || fail "the database $BACKUP_DATABASE cannot be dropped"
fi

log=$BACKUP_DIRECTORY/log
status=0
cat "$begin" - | perl "$PACK/lib/trailer.pl" "$TRAILER" $((${#TRAILER} + 51)) | mongorestore "${CONNECTION[@]}" "${options[@]}" 2>"$log" || status=$?
tail -n 50 "$log" >&2
[ "$status" = 0 ] || fail "the dump was not restored (status $status)"
# It ends with 0 in spite of documents that it could not insert.
summary=$(grep -oE '[0-9]+ document\(s\) restored successfully\. [0-9]+ document\(s\) failed to restore' "$log" | tail -n 1)
[ -n "$summary" ] || fail "mongorestore does not say how many documents it restored"
[[ $summary == *" 0 document(s) failed"* ]] || fail "mongorestore ended with 0, but: $summary"
