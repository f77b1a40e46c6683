import type { AgentJob } from '@osb-backup/protocol'
import { StoreError } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { openDestination } from '../destinations/open-destination.ts'
import { destinationsById } from '../destinations/repository.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { type Job, prefixOfPlan } from '../jobs/job.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'

const LOOK_TIMEOUT_MS = 60_000

/** A dump that lies in its destination. */
export interface StoredDump {
  filename: string
  sizeBytes: number
  sha256: string | undefined
  originalSizeBytes: number | undefined
}

/**
 * Looks whether the dump that an agent reports is where it says, with the size it says: what an agent believes is not
 * enough for a restore point.
 *
 * @returns The dump; or a sentence that says why there is none to be relied on.
 */
export async function storedDump(
  context: Context,
  job: Job,
  report: AgentJob,
): Promise<StoredDump | { missing: string }> {
  const { filename, filesize, sha256 } = report
  if (!filename || !filesize || filesize.size < 1) {
    return { missing: 'The agent names no stored file with a size; nothing can be restored from it.' }
  }
  if (!/^(?!\.{1,2}$)[^/\p{Cc}]{1,900}$/u.test(filename) || (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))) {
    return { missing: 'The agent reports a file whose name or digest is none.' }
  }
  invariant(job.planId, `backup job ${job.id} has a plan`)
  const name = prefixOfPlan(job.planId) + filename
  const found = await look(context, job, name)
  const dump = { filename, sizeBytes: filesize.size, sha256, originalSizeBytes: report.original_filesize?.size }
  if ('problem' in found) {
    // Our own agent has looked itself, after the upload; one of the old kind has not.
    if (sha256 === undefined) return { missing: `The stored file could not be looked at: ${found.problem}` }
    context.log.warn({ name, problem: found.problem }, 'the manager could not look at a stored file; the agent has')
    return dump
  }
  if (found.sizeBytes === filesize.size) return dump
  const stands = found.sizeBytes === undefined ? 'is not there' : `has ${found.sizeBytes} bytes`
  return {
    missing: `The agent says that it stored ${JSON.stringify(name)} with ${filesize.size} bytes, but it ${stands}.`,
  }
}

async function look(
  context: Context,
  job: Job,
  name: string,
): Promise<{ sizeBytes: number | undefined } | { problem: string }> {
  const store = (await destinationsById(context, [job.destinationId])).get(job.destinationId)?.store
  invariant(store, `job ${job.id} has a destination`)
  try {
    await checkAllowed(store, context)
    const found = await openDestination(store, context).head(name, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) })
    return { sizeBytes: found?.sizeBytes }
  } catch (error) {
    if (error instanceof StoreError || error instanceof RequestError) return { problem: error.message }
    if (error instanceof Error && error.name === 'TimeoutError') return { problem: 'no answer in time.' }
    throw error
  }
}
