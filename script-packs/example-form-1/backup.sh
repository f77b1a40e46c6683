#!/usr/bin/env bash
# 3rd stage of a backup.
# Arguments: host username password database filename_without_type job_id compression encryption_key
#
# Leave ONE file in the job's directory, with the given name plus a type of your choice. The agent uploads it as it is: in
# form 1, compressing and encrypting are this script's part. compression is "true" or "false"; encryption_key is "none",
# or what the backup plan has as its public key. An empty file fails the job.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
# host=$1 username=$2 password=$3 would go to your dump program; here the database is a directory.
database=$4 filename=$5 job_id=$6 compression=$7 encryption_key=$8

directory=$(job_directory "$job_id")
mkdir -p -- "$directory"

file=$directory/$filename.tar
# Data flows through these two in turn; "cat" changes nothing.
compress=(cat)
encrypt=(cat)
if [ "$compression" = true ]; then
    compress=(gzip)
    file=$file.gz
fi
if [ "$encryption_key" != none ]; then
    # The key goes over the environment: arguments of programs are seen by every user.
    export encryption_key
    encrypt=(openssl enc -aes-256-ctr -pbkdf2 -salt -pass env:encryption_key)
    file=$file.enc
fi

# Written under a hidden name first, which the agent never uploads, so a broken-off dump is not taken for a whole one.
# pipefail (above) makes the pipe fail when any part of it does.
unfinished=$directory/.unfinished
tar --create --directory="$data_directory" --file=- -- "$database" | "${compress[@]}" | "${encrypt[@]}" >"$unfinished"
mv -- "$unfinished" "$file"
say "wrote $(stat -c %s "$file") bytes"
