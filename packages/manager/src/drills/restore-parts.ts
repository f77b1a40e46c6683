import { checksOfItem, chooseDrilledPoint, type DrillVerdict, drillDatabaseName, judgeDrill } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import {
  beginDrillStep,
  endDrillStep,
  setDrilledPoint,
  updateDrill,
  updateDrillPart,
} from '../jobs/drills-repository.ts'
import type { DrillPart, RestoreJob } from '../jobs/job.ts'
import { cancelOpenJob, findJobWithoutLogs } from '../jobs/service.ts'
import { startRestore } from '../jobs/start-restore.ts'
import { lockJob } from '../jobs/state-repository.ts'
import { plansById } from '../plans/service.ts'
import { isGood, type RestorePoint } from '../restore-points/restore-point.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import { cancelledText, type DrillRun, inDrill, LOOK_AGAIN_MS, toCleanUp } from './drill-run.ts'
import { pointsToDrill } from './repository.ts'

/** Restores the items of a drill, one after the other, and judges each. */
export async function restoreParts(run: DrillRun): Promise<number> {
  const { job, cancelledBy } = run
  const part = job.parts.find(({ verdict }) => verdict === undefined)
  if (part === undefined) {
    await inDrill(run, (tx) => updateDrill(tx, job.id, { step: 'clean-up' }))
    return 0
  }
  if (part.restoreJobId !== undefined) return followRestore(run, part, part.restoreJobId)
  if (cancelledBy !== undefined) {
    await inDrill(run, (tx) => toCleanUp(tx, job.id, cancelledText(cancelledBy)))
    return 0
  }
  await startPart(run, part)
  return 0
}

/** Starts the restore of a part. It is stored together with the fact that the drill has it, so that none is started twice. */
async function startPart(run: DrillRun, part: DrillPart): Promise<void> {
  const { context, job } = run
  const { drill } = job
  invariant(drill.targetInstanceId, `drill ${job.id} has a target`)
  await inDrill(run, (tx) => beginDrillStep(tx, job.id, 'restore', part.item))
  const found = await findPoint(run, part.item)
  if ('failure' in found) return failPart(run, part, found.failure)
  const { point } = found
  const database = drill.targetDatabase ?? drillDatabaseName(job.id, part.position)
  try {
    await startRestore(context, undefined, {
      instanceId: drill.targetInstanceId,
      items: [{ point, database }],
      privateKey: undefined,
      drill: {
        id: job.id,
        record: async (tx, restoreJobId) => {
          await lockJob(tx, run.lock)
          await setDrilledPoint(tx, job.id, part.position, point.id)
          await updateDrillPart(tx, job.id, part.position, { database, restoreJobId, takenAt: point.takenAt })
        },
      },
    })
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    await failPart(run, part, error.message)
  }
}

/** The restore point that is restored; or why there is none. */
async function findPoint(
  { context, job }: DrillRun,
  item: string,
): Promise<{ point: RestorePoint } | { failure: string }> {
  const points = await pointsToDrill(context, job.planId, item)
  const good = points.filter((each) => isGood(each) && !each.suspicious)
  const point = chooseDrilledPoint(good, job.drill.select, Math.random())
  if (point === undefined) return { failure: 'There is no good restore point of the item.' }
  if (!point.encrypted || point.transformedBy !== 'agent') return { point }
  const plan = (await plansById(context, [job.planId])).get(job.planId)
  if (plan?.privateKey !== undefined) return { point }
  return { failure: 'The restore point is encrypted, and the plan keeps no private key that could decrypt it.' }
}

/** Waits for the end of a restore, and judges it. */
async function followRestore(run: DrillRun, part: DrillPart, restoreJobId: string): Promise<number> {
  const { context, cancelledBy } = run
  const restore = await findJobWithoutLogs(context, restoreJobId)
  if (restore?.kind !== 'restore') {
    await failPart(run, part, 'Its restore job was deleted before it was known how that ended.')
    return 0
  }
  if (!isOver(restore.status)) {
    if (cancelledBy !== undefined && restore.cancelled === undefined)
      await cancelRestore(run, restoreJobId, cancelledBy)
    return LOOK_AGAIN_MS
  }
  await recordVerdict(run, part, verdictOf(run, part, restore))
  return 0
}

function verdictOf({ job }: DrillRun, { item }: DrillPart, restore: RestoreJob): DrillVerdict {
  const [restored] = restore.parts
  invariant(restored, `restore job ${restore.id} has a part`)
  const { drill } = job
  return judgeDrill({
    hasSucceeded: restored.status === 'SUCCEEDED',
    error: restored.error ?? restored.agentStatus?.error_message,
    agentStatus: restored.agentStatus,
    checks: checksOfItem(drill.checks, item),
    isDropped: drill.targetDatabase === undefined,
  })
}

/** Cancels a restore of a drill: its agent cleans up, and drops the database. */
export async function cancelRestore(run: DrillRun, restoreJobId: string, by: string): Promise<void> {
  await inDrill(run, (tx) => cancelOpenJob(tx, restoreJobId, by))
}

function failPart(run: DrillRun, part: DrillPart, reason: string): Promise<void> {
  return recordVerdict(run, part, { passed: false, reason, verified: false, checks: [], recoverySeconds: undefined })
}

async function recordVerdict(run: DrillRun, { position, item }: DrillPart, verdict: DrillVerdict): Promise<void> {
  const { context, job } = run
  const { passed, reason, recoverySeconds } = verdict
  context.log.info({ item, passed, reason, recoverySeconds }, passed ? 'a drill passed' : 'a drill failed')
  await inDrill(run, async (tx) => {
    await updateDrillPart(tx, job.id, position, { verdict })
    await endDrillStep(tx, job.id, 'restore', { item, succeeded: passed, detail: reason })
  })
}
