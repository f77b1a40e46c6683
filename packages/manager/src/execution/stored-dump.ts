import type { AgentJob } from '@osb-backup/protocol'
import { type StoredObject, StoreError } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { openDestinationOf } from '../destinations/open-destination.ts'
import { type BackupJob, prefixOfPlan } from '../jobs/job.ts'
import type { ObjectState } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'

/** In addition to the time that the store may be unavailable. */
const HEAD_TIMEOUT_MS = 60_000

/** A dump that is stored in its destination, under the name prefix and filename. */
export interface StoredDump {
  prefix: string
  filename: string
  sizeBytes: number
  sha256: string | undefined
  root: string | undefined
  object: ObjectState | undefined
  originalSizeBytes: number | undefined
}

/**
 * Checks whether the dump that an agent reports is stored under that name and with that size: the word of the agent is not
 * enough for a restore point. The Go agent ignores the prefix of a Swift destination, and older ones that of S3 too, so where
 * an agent reports no digest its file is also looked for without the prefix.
 *
 * @returns The dump; or a sentence that says why there is none to rely on.
 */
export async function findStoredDump(
  context: Context,
  job: BackupJob,
  agentStatus: AgentJob,
): Promise<StoredDump | { missing: string }> {
  const { filename, filesize, sha256, root } = agentStatus
  if (agentStatus.skip_storage === true && !filesize?.size) {
    return {
      missing: 'The scripts stored the dump themselves (skip_storage), so the manager cannot verify or restore it.',
    }
  }
  if (!filename || !filesize || filesize.size < 1) {
    return { missing: 'The agent reports no stored file with a size; nothing can be restored from it.' }
  }
  const isDigest = (digest: string | undefined) => digest === undefined || /^[0-9a-f]{64}$/.test(digest)
  if (!/^(?!\.{1,2}$)[^/\p{Cc}]{1,900}$/u.test(filename) || !isDigest(sha256) || !isDigest(root)) {
    return { missing: 'The agent reports a file with an invalid name or digest.' }
  }
  const originalSizeBytes = agentStatus.original_filesize?.size
  const dump = { filename, sizeBytes: filesize.size, sha256, root, originalSizeBytes, object: undefined }
  const prefixes = sha256 === undefined ? [prefixOfPlan(job.planId), ''] : [prefixOfPlan(job.planId)]
  const seen: string[] = []
  for (const prefix of prefixes) {
    const name = prefix + filename
    const found = await headObject(context, job.destinationId, name)
    if (found !== undefined && 'problem' in found) {
      // Our own agent has checked the object after the upload; an old one has not.
      if (sha256 === undefined) return { missing: `The stored file could not be checked: ${found.problem}` }
      context.log.warn({ name, problem: found.problem }, 'the manager could not check a stored file; the agent has')
      return { ...dump, prefix }
    }
    if (found?.sizeBytes === filesize.size) {
      return { ...dump, prefix, object: { tag: found.tag, modifiedAt: found.modifiedAt } }
    }
    seen.push(`${JSON.stringify(name)} ${found === undefined ? 'does not exist' : `has ${found.sizeBytes} bytes`}`)
  }
  return {
    missing: `The agent reports that it stored ${filesize.size} bytes, but the object ${seen.join(', and ')}.`,
  }
}

async function headObject(
  context: Context,
  destinationId: string,
  name: string,
): Promise<StoredObject | { problem: string } | undefined> {
  try {
    const store = await openDestinationOf(context, destinationId)
    const limitMs = context.settings.storeOutageSeconds * 1000 + HEAD_TIMEOUT_MS
    return await store.head(name, { signal: AbortSignal.timeout(limitMs) })
  } catch (error) {
    if (error instanceof StoreError || error instanceof RequestError) return { problem: error.message }
    if (error instanceof Error && error.name === 'TimeoutError') return { problem: 'no answer in time.' }
    throw error
  }
}
