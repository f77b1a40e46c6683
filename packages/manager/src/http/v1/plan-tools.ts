import {
  planKeysRequestSchema,
  planKeysSchema,
  planPreviewRequestSchema,
  planPreviewSchema,
  type PlanPreview as WirePreview,
} from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import { type PlanPreview, previewPlan } from '../../plans/preview.ts'
import { retentionFromWire } from '../../plans/run-settings.ts'
import { createPlanKeys } from '../../plans/service.ts'
import { sendVersion } from '../entity-version.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

/** What helps to set up a backup plan: a preview, and a pair of keys. */
export function planToolRoutes(app: App, context: Context): void {
  app.post(
    '/v1/plans/preview',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Preview the runs of a schedule and what a retention keeps; nothing is stored or deleted',
        body: planPreviewRequestSchema,
        response: { 200: planPreviewSchema },
      },
    },
    async (request) => {
      const { planId, schedule, retention } = request.body
      const preview = await previewPlan(context, request.call, {
        planId,
        frequency: schedule.cron,
        timezone: schedule.timezone,
        retention: retention ? retentionFromWire(retention) : {},
      })
      return previewToWire(preview)
    },
  )

  app.post(
    '/v1/plans/:id/keys',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Create a pair of age keys that a plan encrypts with from now on; the private key is shown only once',
        params,
        body: planKeysRequestSchema,
        response: { 201: planKeysSchema },
      },
    },
    async (request, reply) => {
      const { keepPrivateKey } = request.body
      const created = await createPlanKeys(context, request.call, request.params.id, keepPrivateKey)
      const { plan, recipient, identity } = created
      sendVersion(reply, plan.version)
      return reply.code(201).send({ publicKey: recipient, privateKey: identity, kept: keepPrivateKey })
    },
  )
}

function previewToWire(preview: PlanPreview): WirePreview {
  const { description, runs, shortestIntervalSeconds, runsKept, restorePoints } = preview
  return {
    description,
    runs: runs.map((run) => run.toISOString()),
    shortestIntervalSeconds,
    runsKept: runsKept?.map((run) => run.toISOString()),
    restorePoints: restorePoints?.map(({ point, keptBecause }) => ({
      id: point.id,
      item: point.item,
      takenAt: point.takenAt.toISOString(),
      kept: keptBecause.length > 0,
      keptBecause,
    })),
  }
}
