import { drilledItems } from '@osb-backup/core'
import type { DrillSelection, DrillSettings } from '@osb-backup/protocol/v1'
import type { Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createJob } from '../jobs/create-job.ts'
import { type DrillJob, NEW_PART } from '../jobs/job.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { lockPlan } from '../plans/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { findOpenDrill, restorableItemsOf } from './repository.ts'

/** What a caller wants of a drill otherwise than its plan says. */
export interface DrillWish {
  select?: DrillSelection | undefined
  /** Undefined: all that the drills of the plan cover. */
  items?: readonly string[] | undefined
}

/**
 * Starts a drill of a plan now.
 *
 * @param plan - That the caller was authorized for.
 * @param key - A request that is sent again with the same key starts nothing.
 * @throws {RequestError} If the plan has no drills, there is nothing to restore, or a drill of it waits or runs.
 */
export async function startDrill(
  context: Context,
  call: Call,
  plan: BackupPlan,
  { select, items }: DrillWish,
  key: IdempotencyKey | undefined,
): Promise<DrillJob> {
  const { drill } = plan
  if (drill === undefined) {
    throw new RequestError('conflict', 'The plan has no drills: set `drill` of the plan first.')
  }
  const covered = drilledItems(plan, drill.items, await restorableItemsOf(context, plan.id))
  const other = items?.find((item) => !covered.includes(item))
  if (other !== undefined) {
    const message = `The drills of the plan do not cover ${JSON.stringify(other)}.`
    throw new RequestError('invalid', message, { field: 'items' })
  }
  const chosen = items ?? covered
  if (chosen.length === 0) throw new RequestError('conflict', NOTHING_TO_RESTORE)
  const settings = { ...drill, select: select ?? drill.select }
  const job = newDrillJob(plan, settings, [...new Set(chosen)], await readClock(context))
  return createJob(context, { job, call, key }, async (tx) => {
    if ((await lockPlan(tx, plan.id)) === undefined) throw notFound('backup plan', plan.id)
    const open = await findOpenDrill(tx, plan.id)
    if (open === undefined) return
    const message = `The drill ${open} of this plan has not ended: wait for its end, or cancel it.`
    throw new RequestError('conflict', message, { jobId: open })
  })
}

/** Why a drill that has nothing to restore is not started. */
export const NOTHING_TO_RESTORE = 'The plan has no restore point that its drills cover.'

/** A new drill of a plan. */
export function newDrillJob(
  plan: Pick<BackupPlan, 'id' | 'instanceId' | 'destinationId'>,
  { select = 'newest', target, checks = [] }: DrillSettings,
  items: readonly string[],
  startedAt: Date,
): DrillJob {
  return {
    id: newIdentifier(startedAt),
    kind: 'drill',
    status: 'STARTED',
    instanceId: plan.instanceId,
    planId: plan.id,
    destinationId: plan.destinationId,
    drill: {
      select,
      target,
      checks,
      step: 'prepare',
      targetInstanceId: undefined,
      targetDatabase: undefined,
      failure: undefined,
      cleanUpProblem: undefined,
      steps: [],
    },
    startedAt,
    beganAt: undefined,
    endedAt: undefined,
    cancelled: undefined,
    parts: items.map((item, position) => ({
      ...NEW_PART,
      position,
      item,
      restorePointId: undefined,
      takenAt: undefined,
      database: undefined,
      restoreJobId: undefined,
      verdict: undefined,
    })),
  }
}
