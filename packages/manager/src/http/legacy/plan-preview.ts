import { expiredPoints, type Retention, runsKept } from '@osb-backup/core'
import {
  type BackupPlanPreviewRequest,
  backupPlanPreviewRequestSchema,
  backupPlanPreviewSchema,
} from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import type { BackupPlan } from '../../plans/plan.ts'
import { findPlan } from '../../plans/repository.ts'
import { checkSchedule } from '../../plans/rules.ts'
import { listPoints } from '../../restore-points/repository.ts'
import { isGood } from '../../restore-points/restore-point.ts'
import { notFound } from '../../shared/request-error.ts'
import type { App } from '../typed-app.ts'
import { instantInZone } from './wire/instant.ts'

const RUNS_SHOWN = 10
const POINTS_SHOWN = 2000

/** What a plan would do, without making it. */
export function planPreviewRoutes(app: App, context: Context): void {
  /** The plan that is asked about, if it is there; the caller may see whatever is asked about. */
  const enterPlan = async (request: FastifyRequest, asked: BackupPlanPreviewRequest) => {
    const { id, serviceInstance } = asked
    if (id === undefined) {
      if (serviceInstance !== undefined) await enterInstance(request, serviceInstance.service_instance_id)
      return undefined
    }
    const plan = await findPlan(context, id)
    if (plan === undefined) throw notFound('backup plan', id)
    await enterInstance(request, plan.instanceId, { what: 'backup plan', id })
    return plan
  }

  app.post(
    '/backupPlans/preview',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Show when a plan would run next and what its retention would keep; nothing is stored or deleted',
        body: backupPlanPreviewRequestSchema,
        response: { 200: backupPlanPreviewSchema },
      },
    },
    async (request) => {
      const asked = request.body
      const plan = await enterPlan(request, asked)
      const timezone = asked.timezone ?? plan?.timezone ?? 'UTC'
      const schedule = checkSchedule({ frequency: asked.frequency, timezone }, context)
      const runs = schedule.runs.slice(0, RUNS_SHOWN)
      const inZone = (instant: Date) => instantInZone(instant, timezone)
      const retention = retentionOf(asked, plan)
      return {
        timezone,
        runs: runs.map(inZone),
        shortestIntervalSeconds: schedule.shortestIntervalSeconds,
        ...(retention && { runsKept: runsKept(runs, retention).map(inZone) }),
        ...(plan && retention && { restorePoints: await pointsUnder(context, plan, retention, inZone) }),
      }
    },
  )
}

function retentionOf(asked: BackupPlanPreviewRequest, plan: BackupPlan | undefined): Retention | undefined {
  const style = asked.retentionStyle ?? plan?.retention.style
  return style && { style, period: asked.retentionPeriod ?? plan?.retention.period ?? 1 }
}

/** The restore points of a plan as they are now, and whether a retention keeps them. */
async function pointsUnder(
  context: Context,
  { id, instanceId }: BackupPlan,
  retention: Retention,
  inZone: (instant: Date) => string,
) {
  const page = { number: 0, size: POINTS_SHOWN, sort: undefined }
  const { entries } = await listPoints(context, { instanceId, planId: id }, page)
  const points = entries
    .filter((point) => point.removal === undefined)
    .map((point) => ({ ...point, good: isGood(point) }))
  const expired = new Set(expiredPoints(points, retention, context.now()).map((point) => point.id))
  return points.map((point) => ({
    id: point.id,
    item: point.item,
    takenAt: inZone(point.takenAt),
    kept: !expired.has(point.id),
  }))
}
