#!/usr/bin/env bash
# Imports the definitions on standard input, as the instance's own account, and compares what is there then. Not atomic: a restore that
# was killed has made a part of them; run it again.
set -euo pipefail
. "$(dirname "$0")/lib/api.sh"
use_account "$BACKUP_USERNAME" "$BACKUP_PASSWORD"
dump=$BACKUP_DIRECTORY/dump.json found=$BACKUP_DIRECTORY/found.json
cat >"$dump"
jq -e -s 'length == 1 and (.[0] | has("rabbit_version") and all(.queues, .exchanges, .bindings, .policies, .parameters; type == "array"))' -- "$dump" >/dev/null 2>&1 ||
    fail "the dump is not one of RabbitMQ's definitions, or is not whole"

account=$(get whoami)
if is_global || jq -e '.tags | if type == "array" then . else split(",") end | index("administrator")' <<<"$account" >/dev/null; then
    [ "${BACKUP_PARAMETER_TRUST_DUMP:-false}" = true ] ||
        fail "the account is an administrator, and the dump would be imported with its rights: give the instance an account of its virtual host, or set the parameter trust_dump if you trust its author"
fi
kind=$(jq 'has("users")' -- "$dump")
if is_global; then [ "$kind" = true ]; else [ "$kind" = false ]; fi || fail "the dump is of another kind: one of the whole broker is restored as the item $GLOBAL, and only as that"

read_definitions "$found"
if is_global; then
    curl -q --config "$ACCESS" --header 'content-type: application/json' --data-binary "@$dump" "$API/definitions" >&2 || fail "the broker refuses the definitions"
else
    # What has the same name and is different cannot be changed, only deleted.
    conflicts=$(jq -r -n --slurpfile dump "$dump" --slurpfile found "$found" '
        ("queues", "exchanges", "policies", "parameters") as $section
        | ($found[0][$section] - $dump[0][$section])[] | select([.component, .name] | IN($dump[0][$section][] | [.component, .name])) | "\($section): \(.name)"')
    if [ -n "$conflicts" ] && [ "${BACKUP_PARAMETER_REPLACE:-false}" != true ]; then
        fail "the virtual host has objects of the same names that differ, so nothing was changed; the parameter replace deletes them with their messages: $(head -n 10 <<<"$conflicts" | paste -sd ';')"
    fi
    get "bindings/$VHOST" >"$BACKUP_DIRECTORY/bindings.json"
    vhost=$(find_vhost)
    jq -r -s -f "$LIB/changes.jq" --arg api "$API" --arg vhost "$vhost" --rawfile access "$ACCESS" --argjson replace "${BACKUP_PARAMETER_REPLACE:-false}" \
        -- "$dump" "$found" "$BACKUP_DIRECTORY/bindings.json" >"$BACKUP_DIRECTORY/changes"
    if [ -s "$BACKUP_DIRECTORY/changes" ] && grep -q '^url' "$BACKUP_DIRECTORY/changes"; then
        curl -q --fail-early --config "$BACKUP_DIRECTORY/changes" >"$BACKUP_DIRECTORY/answers" ||
            fail "RabbitMQ refuses an object of the dump: $(tail -c 500 -- "$BACKUP_DIRECTORY/answers")"
    fi
fi

# An import answers with success although it left existing objects as they are.
read_definitions "$found"
missing=$(jq -r -s -f "$LIB/missing.jq" -- "$dump" "$found")
[ -z "$missing" ] || fail "after the import these differ from the dump: $(head -n 10 <<<"$missing" | paste -sd ';')"
if [ "${BACKUP_PARAMETER_REPLACE:-false}" = true ] && ! is_global; then
    extra=$(jq -r -s -f "$LIB/missing.jq" -- "$found" "$dump")
    [ -z "$extra" ] || fail "after the import there is more than in the dump: $(head -n 10 <<<"$extra" | paste -sd ';')"
fi
say "the definitions are those of the dump"
