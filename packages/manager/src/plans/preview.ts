import { decideRetention, describeCron, type KeepReason, nextRuns, type Retention, runsKept } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { authorizeInstance, type Call } from '../access/call.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { listPoints } from '../restore-points/repository.ts'
import { isGood, isMissing, type RestorePoint } from '../restore-points/restore-point.ts'
import type { BackupPlan } from './plan.ts'
import { checkSchedule } from './rules.ts'
import { getPlan } from './service.ts'

const RUNS_SHOWN = 10
const POINTS_SHOWN = 2000

/** What a preview is asked for; what is absent is taken from the plan. */
export interface PreviewRequest {
  /** The plan that would change. */
  planId?: string | undefined
  /** The instance of a plan that does not exist yet. */
  instanceId?: string | undefined
  frequency: string
  timezone?: string | undefined
  retention: { [Field in keyof BackupPlan['retention']]?: BackupPlan['retention'][Field] | undefined }
}

/** What a plan would do. */
export interface PlanPreview {
  timezone: string
  /** The schedule in words. */
  description: string
  runs: Date[]
  shortestIntervalSeconds: number
  /** Of the runs to come, those whose backups would be kept; absent where there is no retention. */
  runsKept?: Date[]
  /** The restore points of the plan, and why the retention keeps them; for no reason: it does not. */
  restorePoints?: JudgedPoint[]
}

/** A restore point, and why a retention keeps it; for no reason: it does not. */
export interface JudgedPoint {
  point: RestorePoint
  keptBecause: KeepReason[]
}

/**
 * Computes when a plan would run and what its retention would keep. Nothing is stored or deleted.
 *
 * @throws {RequestError} If it could not run, or the caller was not granted its instance.
 */
export async function previewPlan(context: Context, call: Call, asked: PreviewRequest): Promise<PlanPreview> {
  const plan = asked.planId === undefined ? undefined : await getPlan(context, call, asked.planId)
  if (plan === undefined && asked.instanceId !== undefined) await authorizeInstance(call, asked.instanceId)
  const timezone = asked.timezone ?? plan?.timezone ?? 'UTC'
  const schedule = { frequency: asked.frequency, timezone }
  const { shortestIntervalSeconds } = checkSchedule(schedule, context)
  const runs = nextRuns(schedule, RUNS_SHOWN, await readClock(context))
  const retention = retentionAskedFor(asked, plan, timezone)
  return {
    timezone,
    description: describeCron(schedule.frequency),
    runs,
    shortestIntervalSeconds,
    ...(retention && { runsKept: runsKept(runs, retention) }),
    ...(plan && retention && { restorePoints: await pointsUnder(context, plan, retention) }),
  }
}

function retentionAskedFor(
  { retention }: PreviewRequest,
  plan: BackupPlan | undefined,
  timezone: string,
): Retention | undefined {
  const style = retention.style ?? plan?.retention.style
  const { period = 1, generations } = { ...plan?.retention, ...omitUndefined(retention) }
  return style && { style, period, generations, timezone }
}

/** The current restore points of a plan, and why a retention keeps them. */
export async function pointsUnder(
  context: Pick<Context, 'database' | 'sealer'>,
  { id, instanceId }: Pick<BackupPlan, 'id' | 'instanceId'>,
  retention: Retention,
): Promise<JudgedPoint[]> {
  const page = { number: 0, size: POINTS_SHOWN, sort: undefined }
  const { entries } = await listPoints(context, { instanceId, planId: id }, page)
  const points = entries
    .filter((point) => point.removal === undefined)
    .map((point) => ({ ...point, good: isGood(point), missing: isMissing(point) }))
  const decisions = decideRetention(points, retention, await readClock(context))
  return points.map((point) => ({ point, keptBecause: decisions.get(point) ?? [] }))
}
