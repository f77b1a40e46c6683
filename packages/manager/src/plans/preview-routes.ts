import { backupPlanPreviewRequestSchema, backupPlanPreviewSchema } from '@osb-backup/protocol'
import { enterInstance } from '../auth/access.ts'
import type { Context } from '../context.ts'
import type { App } from '../http/typed-app.ts'
import { instantInZone } from '../http/wire/instant.ts'
import { notFound } from '../request-error.ts'
import { checkSchedule } from './rules.ts'
import { findPlan } from './store.ts'

const RUNS_SHOWN = 10

/** What a plan would do, without making it. */
export function planPreviewRoutes(app: App, context: Context): void {
  app.post(
    '/backupPlans/preview',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Show when a plan would run next; nothing is stored',
        body: backupPlanPreviewRequestSchema,
        response: { 200: backupPlanPreviewSchema },
      },
    },
    async (request) => {
      const { id, serviceInstance, frequency, timezone: sentTimezone } = request.body
      const plan = id === undefined ? undefined : await findPlan(context, id)
      if (id !== undefined) {
        if (plan === undefined) throw notFound('backup plan', id)
        await enterInstance(request, plan.instanceId, { what: 'backup plan', id })
      } else if (serviceInstance !== undefined) {
        await enterInstance(request, serviceInstance.service_instance_id)
      }
      const timezone = sentTimezone ?? plan?.timezone ?? 'UTC'
      const { runs, shortestIntervalSeconds } = checkSchedule({ frequency, timezone }, context)
      return {
        timezone,
        runs: runs.slice(0, RUNS_SHOWN).map((run) => instantInZone(run, timezone)),
        shortestIntervalSeconds,
      }
    },
  )
}
