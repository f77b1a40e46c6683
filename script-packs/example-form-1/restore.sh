#!/usr/bin/env bash
# 2nd stage of a restore.
# Arguments: host username password database filename job_id compression encryption_key
#
# The file lies in the job's directory under the name that backup gave it, type included. encryption_key is "none", or
# what the plan has as its private key; this example encrypts with one key for both, so a plan needs the same text in
# both fields. Fail unless all of it was restored.
set -euo pipefail
. "$(dirname "$0")/settings.sh"
database=$4 filename=$5 job_id=$6 encryption_key=$8

file=$(job_directory "$job_id")/$filename
[ -s "$file" ] || fail "there is no file $file"

# What was done to the file is read from its name: the plan may have changed since it was made.
decrypt=(cat)
decompress=(cat)
name=$filename
if [[ $name == *.enc ]]; then
    [ "$encryption_key" != none ] || fail "$filename is encrypted and no key was given"
    export encryption_key
    decrypt=(openssl enc -d -aes-256-ctr -pbkdf2 -pass env:encryption_key)
    name=${name%.enc}
fi
if [[ $name == *.gz ]]; then decompress=(gzip -d); fi

# Unpacked beside the data, and put in its place when it is whole.
mkdir -p -- "$data_directory"
fresh=$(mktemp -d -- "$data_directory/.restoring-XXXXXX")
trap 'rm -rf -- "$fresh"' EXIT
"${decrypt[@]}" <"$file" | "${decompress[@]}" | tar --extract --preserve-permissions --strip-components=1 --directory="$fresh" --file=-
chmod 755 -- "$fresh"
if [ -e "$data_directory/$database" ]; then mv -T -- "$data_directory/$database" "$fresh.old"; fi
mv -T -- "$fresh" "$data_directory/$database"
rm -rf -- "$fresh.old"
