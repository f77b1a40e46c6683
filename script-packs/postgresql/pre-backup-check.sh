#!/usr/bin/env bash
# Fails early, with a reason, where pg_dump would fail late: the server must answer, and pg_dump must not be older
# than the server, since it refuses newer ones.
set -euo pipefail
. "$(dirname "$0")/connection.sh"

server=$(server_version)
server_major=$((server / 10000))
tool=$(pg_dump --version)
tool_major=$(sed -E 's/^[^0-9]*([0-9]+).*$/\1/' <<<"${tool#*PostgreSQL)}")
[ "$tool_major" -ge "$server_major" ] ||
    fail "pg_dump is of version $tool_major, the server of version $server_major: install postgresql-client-$server_major or newer"
say "server version $server_major, $tool"
