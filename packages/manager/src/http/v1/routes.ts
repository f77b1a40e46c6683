import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { agentCertificateRoutes } from './agent-certificates.ts'
import { agentRoutes } from './agents.ts'
import { alarmRoutes } from './alarms.ts'
import { auditEntryRoutes } from './audit-entries.ts'
import { brokerAccountRoutes } from './broker-accounts.ts'
import { callerRoutes } from './caller.ts'
import { clockRoutes } from './clock.ts'
import { cloneRoutes } from './clones.ts'
import { destinationRoutes } from './destinations.ts'
import { eventRoutes } from './events.ts'
import { installationRoutes } from './installation.ts'
import { instanceRoutes } from './instances.ts'
import { jobRoutes } from './jobs.ts'
import { notificationRoutes } from './notifications.ts'
import { overviewRoutes } from './overview.ts'
import { planToolRoutes } from './plan-tools.ts'
import { planRoutes } from './plans.ts'
import { policyRoutes } from './policies.ts'
import { policyExemptionRoutes } from './policy-exemptions.ts'
import { provisionedInstanceRoutes } from './provisioned-instances.ts'
import { reconciliationRoutes } from './reconciliations.ts'
import { reportRoutes } from './reports.ts'
import { restorePointObjectRoutes } from './restore-point-object.ts'
import { restorePointRoutes } from './restore-points.ts'
import { serviceBrokerRoutes } from './service-brokers.ts'
import { tokenRoutes } from './tokens.ts'
import { trendRoutes } from './trends.ts'
import { versionRoutes } from './version.ts'

/** Adds the routes of `/v1`. */
export function v1Routes(app: App, context: Context): void {
  for (const add of [
    versionRoutes,
    callerRoutes,
    installationRoutes,
    instanceRoutes,
    trendRoutes,
    reportRoutes,
    agentRoutes,
    agentCertificateRoutes,
    destinationRoutes,
    reconciliationRoutes,
    planRoutes,
    planToolRoutes,
    policyRoutes,
    policyExemptionRoutes,
    jobRoutes,
    restorePointRoutes,
    restorePointObjectRoutes,
    alarmRoutes,
    notificationRoutes,
    serviceBrokerRoutes,
    provisionedInstanceRoutes,
    cloneRoutes,
    overviewRoutes,
    clockRoutes,
    eventRoutes,
    tokenRoutes,
    brokerAccountRoutes,
    auditEntryRoutes,
  ]) {
    add(app, context)
  }
}
