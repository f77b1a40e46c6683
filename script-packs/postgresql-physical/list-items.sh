#!/usr/bin/env bash
# Prints the stanzas of pgBackRest's configuration, each of which is a cluster.
set -euo pipefail
. "$(dirname "$0")/lib/cluster.sh"
use_config
[ -n "$(stanzas)" ] || fail "$CONFIG has no stanza"
stanzas
