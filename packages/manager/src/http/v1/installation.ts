import { type Limits, limitsSchema, type Manager, managersSchema } from '@osb-backup/protocol/v1'
import { listManagers, type ReportedManager } from '../../alarms/report-manager.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 86_400

/** The installation: its managers, and what their settings allow. */
export function installationRoutes(app: App, context: Context): void {
  app.get(
    '/v1/limits',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show what the settings of this manager allow', response: { 200: limitsSchema } },
    },
    async () => limitsOf(context),
  )

  app.get(
    '/v1/managers',
    {
      config: { access: 'operator' },
      schema: { summary: 'List the managers of this installation', response: { 200: managersSchema } },
    },
    async (request) => ({ items: (await listManagers(context, request.call)).map(toWire) }),
  )
}

function limitsOf({ settings }: Pick<Context, 'settings'>): Limits {
  return {
    minimumIntervalSeconds: settings.minimumIntervalSeconds,
    maxRunningJobs: settings.maxRunningJobs,
    maxRunningJobsPerAgent: settings.maxRunningJobsPerAgent,
    maxRunningJobsPerDestination: settings.maxRunningJobsPerDestination,
    maxRunningRestores: settings.maxRunningRestores,
    maxRunningVerifications: settings.maxRunningVerifications,
    deletionGraceSeconds: settings.deletionGraceHours * HOUR_SECONDS,
    retentionChangeGraceSeconds: settings.retentionChangeGraceHours * HOUR_SECONDS,
    jobHistorySeconds: settings.jobHistoryDays * DAY_SECONDS,
    jobLogSeconds: settings.jobLogDays * DAY_SECONDS,
    auditHistorySeconds: settings.auditHistoryDays * DAY_SECONDS,
    alarmHistorySeconds: settings.alarmHistoryDays * DAY_SECONDS,
    // 0 means without limit.
    maxTokenLifetimeSeconds:
      settings.maxTokenLifetimeDays === 0 ? undefined : settings.maxTokenLifetimeDays * DAY_SECONDS,
  }
}

function toWire({ id, name, version, reportedAt, skewSeconds, disk }: ReportedManager): Manager {
  return {
    ...{ id, name, version },
    reportedAt: reportedAt.toISOString(),
    clockSkewSeconds: skewSeconds,
    diskFreeBytes: disk?.freeBytes,
    diskSizeBytes: disk?.sizeBytes,
  }
}
