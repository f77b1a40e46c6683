import { constants, open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorMessage } from '@osb-backup/node'
import { MAX_METADATA_BYTES, MAX_WARNING_LENGTH, MAX_WARNINGS, type Warning } from '@osb-backup/protocol'
import { insideDirectory, isExchanged } from './held-directory.ts'
import type { ScriptAccount } from './script-account.ts'

/**
 * The files with which scripts and agent exchange more than an exit status. They are hidden, so that neither is
 * mistaken for a dump of form 1.
 */
export interface MessageFiles {
  /** Scripts append one line for each warning: its code, a space, a sentence. */
  warnings: string
  /** Backup: scripts write one JSON object. Restore: what they wrote at the backup, if it is known. */
  metadata: string
  /** The account that the scripts run under, if it is not the agent's. */
  account: ScriptAccount | undefined
}

/** The message files of a job with this directory. */
export function messageFiles(directory: string, account?: ScriptAccount): MessageFiles {
  return { warnings: join(directory, '.warnings'), metadata: join(directory, '.metadata.json'), account }
}

/** Enough for the maximum number of warnings, and for more lines than are used. */
const MAX_FILE_BYTES = 2 * MAX_WARNINGS * MAX_WARNING_LENGTH

/**
 * Reads the warnings so far. Lines without a code get `warning`; lines that are too long and excess lines are cut,
 * which the result shows.
 *
 * @returns undefined if there is no file: none was written, or a cleanup script removed the directory.
 */
export async function readWarnings({ warnings: path, account }: MessageFiles): Promise<Warning[] | undefined> {
  const text = await readBounded(path, MAX_FILE_BYTES, account)
  if (text === undefined) return undefined
  const lines = text.content.split('\n').filter((line) => line.trim() !== '')
  const warnings = lines.slice(0, MAX_WARNINGS - 1).map(warningOf)
  const dropped = lines.length - warnings.length
  if (dropped === 0 && !text.isCut) return warnings
  const message = `The scripts wrote more than ${MAX_WARNINGS - 1} warnings; the others are dropped.`
  return [...warnings, { code: 'more-warnings', message }]
}

function warningOf(line: string): Warning {
  const [, code = 'warning', message = line] = /^([a-z][a-z0-9-]{0,63}) (.+)$/.exec(line) ?? []
  return { code, message: message.trim().slice(0, MAX_WARNING_LENGTH) }
}

/** Reads the metadata that the scripts of a backup wrote: nothing, an object, or why it is not one. */
export async function readMetadata({
  metadata: path,
  account,
}: MessageFiles): Promise<{ metadata?: Record<string, unknown>; problem?: string }> {
  const text = await readBounded(path, MAX_METADATA_BYTES, account)
  if (text === undefined) return {}
  if (text.isCut) return { problem: `it is larger than ${MAX_METADATA_BYTES} bytes` }
  try {
    const metadata: unknown = JSON.parse(text.content)
    if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) {
      return { metadata: metadata as Record<string, unknown> }
    }
    return { problem: 'it is not a JSON object' }
  } catch (error) {
    return { problem: errorMessage(error) }
  }
}

/** Passes the metadata of a backup to the scripts of its restore. */
export async function writeMetadata(
  { metadata: path, account }: MessageFiles,
  metadata: Readonly<Record<string, unknown>>,
): Promise<void> {
  await insideDirectory(dirname(path), account, async (directory) => {
    const inside = join(directory, basename(path))
    // A link of this name would lead elsewhere.
    await rm(inside, { force: true })
    const file = await open(inside, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(metadata))
      if (account !== undefined) await file.chown(account.uid, account.gid)
    } finally {
      await file.close()
    }
  })
}

/** Removes the message files of a finished job. */
export async function removeMessageFiles({ warnings, metadata, account }: MessageFiles): Promise<void> {
  await removeInside(warnings, account)
  await removeInside(metadata, account)
}

/** Removes a file; not one of a directory that its own was exchanged for. */
export async function removeInside(path: string, account: ScriptAccount | undefined): Promise<void> {
  try {
    await insideDirectory(dirname(path), account, (directory) => rm(join(directory, basename(path)), { force: true }))
  } catch (error) {
    if (!isExchanged(error)) throw error
  }
}

/** The beginning of a file that a script may have written; undefined if there is no regular file. */
async function readBounded(
  path: string,
  limit: number,
  account: ScriptAccount | undefined,
): Promise<{ content: string; isCut: boolean } | undefined> {
  // Neither a FIFO, which would block, nor a link out of the directory is read.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await insideDirectory(dirname(path), account, (directory) =>
    open(join(directory, basename(path)), flags),
  ).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    // A hard link could lead to a file that the account of the scripts may not read.
    if (!found.isFile() || (account !== undefined && found.uid !== account.uid)) return undefined
    const { buffer, bytesRead } = await file.read(Buffer.alloc(limit + 1), 0, limit + 1, 0)
    return { content: buffer.subarray(0, Math.min(bytesRead, limit)).toString(), isCut: bytesRead > limit }
  } finally {
    await file.close()
  }
}
