#!/usr/bin/env bash
# Fails early where an archive would fail late, and estimates its size.
set -euo pipefail
. "$(dirname "$0")/paths.sh"
enter_directory
tar --version | head -n 1 | grep -q 'GNU tar' || fail "tar is not GNU tar, which the pack needs"
# An estimate is not worth waiting for.
size=$(timeout 20 du --summarize --block-size=1 . 2>/dev/null | cut -f 1) || size=
[ -z "$size" ] || echo "expectedSizeBytes=$size"
