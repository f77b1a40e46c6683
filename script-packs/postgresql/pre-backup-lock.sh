#!/usr/bin/env bash
# Nothing to lock. pg_dump reads one snapshot of the whole database, so the dump is consistent while others write.
# A lock could not be kept anyway: PostgreSQL's locks end with their session, and this script's session ends here.
# Only changes of the schema wait for pg_dump, since it holds ACCESS SHARE on every table while it runs.
set -euo pipefail
