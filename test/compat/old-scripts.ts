import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Scripts as they were written for the Go agent: a plain `mkdir`, `$directory_backup` from the agent's environment,
 * `tee /dev/stderr`, unquoted positional arguments, everything under `set -e`.
 */
export type OldScripts = Record<string, string>

const shared = {
  'pre-backup-lock': `#!/bin/bash
set -e
echo "Locking database $1" > /dev/stderr
mkdir $directory_backup/lock-$1
`,
  'pre-backup-check': `#!/bin/bash
set -e
df -k $directory_backup | tee /dev/stderr
[ -d $directory_backup/lock-$1 ]
`,
  'backup-cleanup': `#!/bin/bash
set -e
echo "Cleaning up job $2" | tee /dev/stderr
rm -r $directory_backup/$2
`,
  'post-backup-unlock': `#!/bin/bash
set -e
rmdir $directory_backup/lock-$1
echo "Unlocked database $1" | tee /dev/stderr
`,
  'pre-restore-lock': `#!/bin/bash
set -e
mkdir $directory_restore/$1
echo "Restore job $1" > /dev/stderr
`,
  'restore-cleanup': `#!/bin/bash
set -e
rm -r $directory_restore/$1
`,
  'post-restore-unlock': `#!/bin/bash
set -e
echo "Restore is done, scripts are in $scripts_path" | tee /dev/stderr
`,
} as const satisfies OldScripts

const begin = `#!/bin/bash
set -e
set -o pipefail
host=$1
username=$2
password=$3
database=$4
filename=$5
job=$6
compression=$7
encryption_key=$8
`

/** The file name does not depend on compression or encryption: the restore script relies on its arguments. */
function backup(type: string, dump: string): string {
  return `${begin}
mkdir $directory_backup/$job
file=$directory_backup/$job/$filename${type}
echo "Dumping $database of $host to $file" | tee /dev/stderr
${dump} > $file
if [ "$compression" = "true" ]; then
  gzip $file
  mv $file.gz $file
fi
if [ "$encryption_key" != "none" ]; then
  openssl enc -aes-256-cbc -pbkdf2 -in $file -out $file.enc -pass pass:$encryption_key 2>&1 | tee /dev/stderr
  mv $file.enc $file
fi
`
}

function restore(load: string): string {
  return `${begin}
file=$directory_restore/$job/$filename
echo "Restoring $file to $database of $host" | tee /dev/stderr
if [ "$encryption_key" != "none" ]; then
  openssl enc -d -aes-256-cbc -pbkdf2 -in $file -out $file.plain -pass pass:$encryption_key 2>&1 | tee /dev/stderr
  mv $file.plain $file
fi
if [ "$compression" = "true" ]; then
  mv $file $file.gz
  gunzip $file.gz
fi
${load} < $file
`
}

/** Run for real, against the PostgreSQL server of the lab. */
export const postgresql: OldScripts = {
  ...shared,
  backup: backup('.sql', 'PGPASSWORD=$password pg_dump --clean --if-exists -h $host -U $username $database'),
  restore: restore('PGPASSWORD=$password psql -v ON_ERROR_STOP=1 -q -h $host -U $username -d $database'),
}

export const mongodb: OldScripts = {
  ...shared,
  backup: backup(
    '.archive',
    'mongodump --host $host --username $username --password $password --db $database --archive',
  ),
  restore: restore('mongorestore --host $host --username $username --password $password --drop --archive'),
}

export const mysql: OldScripts = {
  ...shared,
  backup: backup('.sql', 'mysqldump -h $host -u $username -p$password --single-transaction --databases $database'),
  restore: restore('mysql -h $host -u $username -p$password'),
}

/** Writes a set of scripts, half of them with the ending `.sh`. */
export async function writeScripts(folder: string, scripts: OldScripts): Promise<void> {
  await mkdir(folder, { recursive: true })
  const named = Object.entries(scripts).map(([name, content], index) => [index % 2 ? `${name}.sh` : name, content])
  await Promise.all(named.map(([name, content]) => writeFile(join(folder, name ?? ''), content ?? '')))
}

/**
 * Stand-ins for database clients that are not installed here. They record how they are called, those that dump print
 * something of that database, and those that load record what they are given.
 */
export async function writeRecordingClients(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const record = '#!/bin/bash\nhere=$(dirname "$0")\necho "$(basename "$0") $*" >> "$here/calls"\n'
  const clients = {
    mongodump: 'shift $(($# - 2)); printf "archive of %s" "$1"\n',
    mysqldump: 'shift $(($# - 1)); printf "insert into %s" "$1"\n',
    mongorestore: 'cat > "$here/loaded"\n',
    mysql: 'cat > "$here/loaded"\n',
  }
  for (const [name, content] of Object.entries(clients)) {
    await writeFile(join(folder, name), record + content)
    await chmod(join(folder, name), 0o755)
  }
}
