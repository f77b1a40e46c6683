#!/usr/bin/env bash
# Proves that the directory is in its place and can be read.
set -euo pipefail
. "$(dirname "$0")/paths.sh"
enter_directory
say "$directory has $(find . -printf x | wc -c) files"
