import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { BackupClient } from '@osb-backup/client'
import { errorCode, omitUndefined } from '@osb-backup/node'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { identityIn } from '../input/identity.ts'
import { readSecret } from '../input/secret.ts'
import { formatBytes } from '../output/units.ts'
import { findEntry } from '../resources/resource.ts'
import { restorePointResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

interface DownloadOptions {
  file?: string
  identityFile?: string
  raw?: boolean
  force?: boolean
  unverified?: boolean
}

/** Adds `restore-point download`. */
export function addDownload({ action }: Program, point: Command): void {
  point
    .command('download')
    .description('Read a restore point through the manager: verified, decrypted and decompressed, without an agent')
    .argument('<restore-point>', 'ID, or unique beginning of an ID')
    .option('--file <file>', 'write it to this file; to standard output by default')
    .option('--identity-file <file>', 'file with the age identity that decrypts it')
    .option('--raw', 'as it is stored, neither decrypted nor decompressed; verified all the same')
    .option('--force', 'replace the file')
    .option('--unverified', 'also if no digest was recorded, as by old agents: only the size is compared')
    .addHelpText(
      'after',
      `
Every byte is compared with the digests that the manager recorded before it is written. What was written to standard output is
whole only if the exit code is 0: use "set -o pipefail".

Examples:
  osb-backup restore-point download 69a3a7c0 --file shop.dump
  osb-backup restore-point download 69a3a7c0 --identity-file key.txt | pg_restore --list`,
    )
    .action(
      action(async (session, options: DownloadOptions, name: string) => {
        const client = await session.client()
        const found = await findEntry(client, restorePointResource, name)
        await download(session, client, found, options)
      }),
    )
}

async function download(
  session: Session,
  client: BackupClient,
  point: RestorePoint,
  options: DownloadOptions,
): Promise<void> {
  const { io, printer } = session
  if (options.file === undefined && io.stdout.isTTY) {
    throw new UsageError('Standard output is a terminal.', { hint: 'Pass --file, or pipe it into a program.' })
  }
  if (options.file !== undefined && !options.force && (await exists(options.file))) {
    throw new UsageError(`${options.file} exists.`, { hint: 'Pass --force to replace it.' })
  }
  const isDecrypted = point.encrypted && point.transformedBy === 'agent' && !options.raw
  if (isDecrypted && options.identityFile === undefined)
    throw new UsageError('The restore point is encrypted: --identity-file is missing.')
  const identity =
    options.identityFile === undefined
      ? undefined
      : identityIn(await readSecret(io, options.identityFile, 'the identity'))
  const isVerified = point.root !== undefined || point.sha256 !== undefined
  if (!isVerified && !options.unverified) {
    throw new UsageError('No digest of this restore point was recorded, so it cannot be verified.', {
      hint: 'Pass --unverified to read it all the same.',
    })
  }
  // Loaded only here: the other commands need neither compression nor encryption.
  const [{ loadContent, findZstdProgram }, { RestorePointStore }] = await Promise.all([
    import('@osb-backup/storage'),
    import('../objects/restore-point-store.ts'),
  ])
  const { sizeBytes, sha256, root, compression, transformedBy } = point
  const zstdProgram = findZstdProgram(io.env.PATH)
  const content = await loadContent(new RestorePointStore(client, point), point.objectName, {
    compression: options.raw || transformedBy === 'script' ? 'none' : compression,
    encrypted: isDecrypted,
    identities: identity === undefined ? [] : identity.split('\n'),
    expected: omitUndefined({ sizeBytes, sha256, root }),
    signal: io.signal,
    ...(zstdProgram === undefined ? {} : { zstdProgram }),
  })
  if (options.file === undefined) return pipeline(content, io.stdout, { end: false })
  // The name appears once the content is whole.
  const temporary = `${options.file}.${randomUUID()}.part`
  try {
    await pipeline(content, createWriteStream(temporary, { mode: 0o600, flags: 'wx', flush: true }))
    await rename(temporary, options.file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new CliError(
      `The restore point could not be downloaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
  printer.note(
    `Wrote ${options.file} (${formatBytes((await stat(options.file)).size)}), ${isVerified ? 'verified' : 'not verified'}.`,
  )
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
