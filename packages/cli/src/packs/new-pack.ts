import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '@osb-backup/node'
import { UsageError } from '../exit-code.ts'

const stage = (comment: string, body: string) => `#!/usr/bin/env bash
${comment
  .split('\n')
  .map((line) => `# ${line}`)
  .join('\n')}
set -euo pipefail
. "$(dirname "$0")/lib/service.sh"

${body}
`

const service = `# shellcheck shell=bash
# How the service is reached, for all stages.
umask 077

# Messages are for people and go to standard error: the job shows them. The last lines become its error message.
say() { printf '%s\\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
# warn CODE SENTENCE: something that does not fail the job but that an operator should know.
warn() { printf '%s %s\\n' "$1" "$2" >>"$BACKUP_WARNINGS"; }

# Passwords go into a file or the environment of a program, never into its arguments: these every user of the machine can read.
# Replace "missing" in every stage; until then a job fails, rather than store a dump that is none.
missing() { fail "\${BACKUP_STAGE:-this stage} is not written yet: $*"; }
`

const stages = {
  'list-items.sh': stage(
    'Prints what can be backed up, one name a line: all of it, or fails.',
    'missing "print the names of all databases of $BACKUP_HOST"',
  ),
  'pre-backup-check.sh': stage(
    'Fails early, with what to do, where the dump would fail late or would silently lack something: rights, versions, free space.',
    'missing "check that $BACKUP_DATABASE exists and that $BACKUP_USERNAME can read all of it"\n# echo "expectedSizeBytes=…"',
  ),
  'backup.sh': stage(
    'Writes the dump to standard output, and nothing else. If it exits with 0, the dump is whole: check the status of every program.',
    'missing "dump $BACKUP_DATABASE to standard output"',
  ),
  'backup-cleanup.sh': stage(
    'Ends what backup left running on the server. Runs always, also after a crash, and again if it failed: there may be nothing to do.\n$BACKUP_DIRECTORY is removed by the agent.',
    'missing "end the sessions of the job $BACKUP_JOB_ID"',
  ),
  'restore.sh': stage(
    'Restores the dump on standard input, with the rights of those whom the data belongs to. Exchanges what is live only after the input\nhas ended, and fails if the dump has no end.',
    'missing "restore into $BACKUP_DATABASE beside what is there, and exchange both at the end"',
  ),
  'verify.sh': stage(
    'Proves that the service works after a restore: everything is there, and can be read.',
    'missing "compare $BACKUP_DATABASE with what $BACKUP_METADATA says"',
  ),
  'restore-cleanup.sh': stage(
    'Removes what a restore that failed or was killed left beside the live data. Runs always, and again if it failed.',
    'missing "remove what the job $BACKUP_JOB_ID created"',
  ),
}

const locks = {
  'pre-backup-lock.sh': stage(
    'Locks the service, in a session in the background whose output goes elsewhere, and waits until the lock is held.\nbackup.sh asks at its end whether the session is still there.',
    'missing "lock $BACKUP_DATABASE, and write the id of the session to $BACKUP_DIRECTORY/session"',
  ),
  'post-backup-unlock.sh': stage(
    'Ends the session that holds the lock, through the server: after a restart of the agent its process is gone. Succeeds if there is none.',
    'missing "unlock $BACKUP_DATABASE"',
  ),
}

const readme = (name: string) => `# ${name}

What does it back up, with which program, and how is it restored?

## What do I set up?

1. Accounts and their rights
2. Versions of the server, and of the programs on the agent's machine

## What a backup contains, and what it does not

What is an item?

## Restoring

Into a fresh target, over live data, under another name. What can be rolled back, and what does a restore that was killed leave? With whose
rights is the dump restored?

## Parameters

| Parameter | Default | Meaning |
| --- | --- | --- |
`

/**
 * Creates a pack of form 2 whose stages fail until they are written.
 *
 * @throws {UsageError} If there is something in the directory.
 */
export async function createPack(directory: string, name: string, { lock }: { lock: boolean }): Promise<string[]> {
  const existing = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw new UsageError(`${directory} cannot be read (${errorCode(error)}).`, { cause: error })
  })
  if (existing.length > 0) throw new UsageError(`${directory} is not empty.`)
  const required = [
    'list-items',
    'pre-backup-check',
    'verify',
    ...(lock ? ['pre-backup-lock', 'post-backup-unlock'] : []),
  ]
  const pack = { form: 2, name, type: '.dump', description: `Backs up ${name}`, stages: required, parameters: [] }
  const files: Record<string, string> = {
    'pack.json': `${JSON.stringify(pack, undefined, 2)}\n`,
    'README.md': readme(name),
    'lib/service.sh': service,
    ...stages,
    ...(lock ? locks : {}),
  }
  await mkdir(join(directory, 'lib'), { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text, { flag: 'wx' })
  return Object.keys(files)
}
