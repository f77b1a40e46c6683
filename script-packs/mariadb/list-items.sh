#!/usr/bin/env bash
# Prints the databases that the account may see, without those of the server itself.
set -euo pipefail
. "$(dirname "$0")/lib/client.sh"
use_reading_account
databases="FROM information_schema.schemata WHERE schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')"
[ "$(query "SELECT count(*) $databases AND schema_name REGEXP '[[:cntrl:]]'")" = 0 ] ||
    fail "the name of a database has a control character: it can be no item, rename it"
query "SELECT schema_name $databases ORDER BY schema_name"
