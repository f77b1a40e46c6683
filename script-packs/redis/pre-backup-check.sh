#!/usr/bin/env bash
# Fails early where a dump would fail late, or would lack something.
set -euo pipefail
. "$(dirname "$0")/lib/server.sh"
require_whole_server
use_reading_account
info=$(ask INFO)
require_single "$info"
require_current "$info"
say "server $(server_version "$info"): $(total_keys <<<"$info") keys, $(field role <<<"$info")"
echo "expectedSizeBytes=$(field used_memory_dataset <<<"$info" | grep -E '^[0-9]+$' || echo 0)"
