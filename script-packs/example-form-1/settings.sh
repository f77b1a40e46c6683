# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what is set here
# Sourced by the other scripts. What to change first: where your data lies.

# The request's parameters are environment variables of the same names: {"data_directory": "/srv/data"}.
data_directory=${data_directory:-/var/lib/example-data}

# <directory_backup>/<job_id> or <directory_restore>/<job_id>, which scripts create: the agent only downloads into it. This
# project's agent passes the path in BACKUP_DIRECTORY; under the Go agent you put it together from $directory_backup.
job_directory() { printf '%s\n' "${BACKUP_DIRECTORY:-/var/vcap/store/backup-agent/$1}"; }

lock_file() { printf '%s/example-%s.lock\n' "${TMPDIR:-/tmp}" "$1"; }

# Everything for people goes to standard error, so the job shows it in its error log.
say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
