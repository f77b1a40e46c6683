import { earliestProof } from '@osb-backup/core'
import { VERSION } from '@osb-backup/node'
import { type Report, reportQuerySchema, reportSchema } from '@osb-backup/protocol/v1'
import { stores } from '@osb-backup/storage'
import type { Context } from '../../context/context.ts'
import type { DrillJob } from '../../jobs/job.ts'
import { retentionToWire } from '../../plans/run-settings.ts'
import { provenItem } from '../../protection/service.ts'
import { type InstanceReport, reportInstance } from '../../reports/service.ts'
import type { App } from '../typed-app.ts'
import { stateOf } from './job-states.ts'
import { idParams as params } from './params.ts'

import { itemToWire, protectionToWire } from './protection.ts'

const DEFAULT_DAYS = 90

/** What auditors read. */
export function reportRoutes(app: App, context: Context): void {
  app.get(
    '/v1/instances/:id/report',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'Report how a service instance is backed up, and what drills have proven, for auditors',
        params,
        querystring: reportQuerySchema,
        response: { 200: reportSchema },
      },
    },
    async (request) => {
      const { days = DEFAULT_DAYS } = request.query
      const report = await reportInstance(context, request.call, request.params.id, days)
      return { ...toWire(report), environment: context.settings.environmentName, version: VERSION }
    },
  )
}

function toWire(report: InstanceReport): Omit<Report, 'environment' | 'version'> {
  const { judged, createdAt, since, plans, backups, drills } = report
  return {
    instanceId: judged.instance.id,
    createdAt: createdAt.toISOString(),
    since: since.toISOString(),
    protection: protectionToWire(judged.protection),
    lastProvenRestorableAt: earliestProof(judged.items.map(provenItem))?.toISOString(),
    plans: plans.map(({ plan, destination }) => ({
      id: plan.id,
      name: plan.name,
      items: plan.items,
      schedule: { cron: plan.frequency, timezone: plan.timezone },
      paused: plan.paused,
      retention: retentionToWire(plan.retention),
      encrypted: plan.publicKey !== undefined,
      destination: {
        name: destination?.name ?? plan.destinationId,
        kind: destination === undefined ? 'unknown' : stores.kindOf(destination.store).type,
      },
      drill: plan.drill,
    })),
    items: judged.items.map((item) => itemToWire(item)),
    backups,
    drills: drills.map(drillToWire),
  }
}

function drillToWire(job: DrillJob): Report['drills'][number] {
  return {
    jobId: job.id,
    planId: job.planId,
    state: stateOf(job.status, job.cancelled !== undefined),
    startedAt: (job.beganAt ?? job.startedAt).toISOString(),
    endedAt: job.endedAt?.toISOString(),
    items: job.parts.map(({ item, verdict, takenAt, error }) => ({
      item,
      passed: verdict?.passed ?? false,
      reason: verdict?.reason ?? error,
      restorePointTakenAt: takenAt?.toISOString(),
      verified: verdict?.verified ?? false,
      checksPassed: (verdict?.checks ?? []).filter(({ passed }) => passed).length,
      checks: verdict?.checks.length ?? 0,
      recoverySeconds: verdict?.recoverySeconds,
    })),
  }
}
