import { LONGEST_BROKER_PAUSE_SECONDS } from '@osb-backup/core'
import { capAgentChecks } from '../agents/repository.ts'
import type { Context } from '../context/context.ts'
import { capHeartbeats } from '../jobs/leases-repository.ts'
import { capUnknownPartChecks } from '../jobs/unknown-parts-repository.ts'
import { capRetentionDeadlines } from '../plans/retention-repository.ts'
import { capRetries } from '../plans/retries-repository.ts'
import { capPolicyChecks } from '../policies/checks-repository.ts'
import { capReconciliationLocks } from '../reconciliation/repository.ts'
import { capRemovals } from '../restore-points/removals-repository.ts'
import { capProvisioningDeadlines } from '../service-brokers/instances-repository.ts'

/**
 * Caps the deadlines that were stored while PostgreSQL's clock was ahead. One that is further away than its longest interval would
 * otherwise outlast the correction: an agent would not be checked, and the jobs of a manager that died would not be claimed, until
 * the clock is there again.
 */
export async function capDeadlines(context: Context): Promise<void> {
  const capped = {
    heartbeats: await capHeartbeats(context),
    unknownPartChecks: await capUnknownPartChecks(context),
    agentChecks: await capAgentChecks(context),
    retentions: await capRetentionDeadlines(context),
    policyChecks: await capPolicyChecks(context),
    retries: await capRetries(context, context.settings.retryBackoffSeconds),
    removals: await capRemovals(context),
    reconciliationLocks: await capReconciliationLocks(context),
    provisioning: await capProvisioningDeadlines(context, LONGEST_BROKER_PAUSE_SECONDS),
  }
  if (Object.values(capped).some((count) => count > 0)) {
    context.log.warn(capped, 'deadlines were corrected that were stored while the clock of PostgreSQL was ahead')
  }
}
