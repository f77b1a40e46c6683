#!/usr/bin/env bash
# 1st stage of a restore, before the download.   Arguments: job_id
#
# Keep others away from what will be replaced, e.g. stop the application. This example has none.
set -euo pipefail
