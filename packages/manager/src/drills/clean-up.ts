import { errorMessage } from '@osb-backup/node'
import { isOver } from '@osb-backup/protocol'
import type { TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { DatabaseUnavailable } from '../database/database-unavailable.ts'
import { beginDrillStep, endDrillStep, updateDrill } from '../jobs/drills-repository.ts'
import { type DrillPart, JobLockLost } from '../jobs/job.ts'
import { updateJob } from '../jobs/part-results.ts'
import { type PartProgress, updatePart } from '../jobs/parts-repository.ts'
import { findJobWithoutLogs } from '../jobs/service.ts'
import { type DrillRun, inDrill, LOOK_AGAIN_MS } from './drill-run.ts'
import { recordOutcome } from './repository.ts'
import { cancelRestore } from './restore-parts.ts'
import type { CleanUp } from './target.ts'
import { cleanUpTarget } from './target-kinds.ts'

/** The pause after an attempt to clean up that failed. */
const RETRY_MS = 10_000

/** Removes what a drill left, until nothing is left; only then it ends, with what it found out. */
export async function cleanUp(run: DrillRun): Promise<number> {
  const { job } = run
  if (await isRestoring(run)) return LOOK_AGAIN_MS
  await inDrill(run, (tx) => beginDrillStep(tx, job.id, 'clean-up'))
  const cleaned = await cleanUpOnce(run)
  if (cleaned.state === 'done') {
    await inDrill(run, (tx) => finish(tx, run))
    return 0
  }
  const { problem } = cleaned
  if (problem === undefined) return LOOK_AGAIN_MS
  run.context.log.warn({ reason: problem }, 'cleaning up after a drill failed; retrying')
  await inDrill(run, (tx) => updateDrill(tx, job.id, { cleanUpProblem: problem }))
  return RETRY_MS
}

/** Whether a restore of the drill still works on the target. It is cancelled, since nobody waits for it any more. */
async function isRestoring(run: DrillRun): Promise<boolean> {
  let found = false
  for (const { restoreJobId } of run.job.parts) {
    if (restoreJobId === undefined) continue
    const restore = await findJobWithoutLogs(run.context, restoreJobId)
    if (restore === undefined || isOver(restore.status)) continue
    found = true
    if (restore.cancelled === undefined) await cancelRestore(run, restoreJobId, run.cancelledBy ?? 'the drill')
  }
  return found
}

async function cleanUpOnce({ context, job, call }: DrillRun): Promise<CleanUp> {
  try {
    return await cleanUpTarget(context, job.drill.target.kind, call)
  } catch (error) {
    call.signal.throwIfAborted()
    if (error instanceof JobLockLost || error instanceof DatabaseUnavailable) throw error
    return { state: 'pending', problem: errorMessage(error) }
  }
}

/** Ends the drill: the parts and what they prove, in one transaction. */
async function finish(tx: TransactionContext, { job, cancelledBy }: DrillRun): Promise<void> {
  const now = await readClock(tx)
  const failureCode = cancelledBy === undefined ? 'other' : 'cancelled'
  for (const part of job.parts) {
    const failure = failureOf(part, job.drill.failure)
    const progress: PartProgress =
      failure === undefined ? { status: 'SUCCEEDED' } : { status: 'FAILED', error: failure, failureCode }
    await updatePart(tx, job.id, part.position, progress, now)
    if (part.verdict === undefined && cancelledBy !== undefined) continue
    const { item, restorePointId: pointId, takenAt, verdict } = part
    const recoverySeconds = verdict?.recoverySeconds
    const { instanceId, id: jobId } = job
    await recordOutcome(tx, { instanceId, item, jobId, failure, pointId, takenAt, recoverySeconds }, now)
  }
  await endDrillStep(tx, job.id, 'clean-up', { succeeded: true })
  await updateDrill(tx, job.id, { step: 'done' })
  await updateJob(tx, job.id, now)
}

function failureOf({ verdict }: DrillPart, failure: string | undefined): string | undefined {
  if (verdict?.passed === true) return undefined
  return verdict?.reason ?? failure ?? 'It was not restored.'
}
