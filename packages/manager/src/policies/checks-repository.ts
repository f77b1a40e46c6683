import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

interface ChecksContext {
  database: Database
}

/** How long a check may take, and how soon one that failed is repeated. */
const RETRY_SECONDS = 60
/** Nothing changes by itself but the expiry of exemptions; what went unnoticed is found so. */
const EVERY_SECONDS = 3600

/** The check of the policy of an instance, claimed by this manager. */
export interface PolicyCheck {
  instanceId: string
  /** Identifies the claim: the check is due again at this moment, unless it is recorded before. */
  claimedUntil: Date
}

/** Claims checks that are due, the longest due first. */
export async function claimPolicyChecks({ database }: ChecksContext, limit: number): Promise<PolicyCheck[]> {
  // To the millisecond, so that the claim is recognized.
  const { rows } = await sql<{ instance_id: string; check_at: Date }>`
    update policy_checks
    set check_at = date_trunc('milliseconds', now()) + make_interval(secs => ${sql.lit(RETRY_SECONDS)})
    where instance_id in (
      select instance_id from policy_checks where check_at <= now()
      order by check_at limit ${limit} for update skip locked
    )
    returning instance_id, check_at`.execute(database)
  return rows.map((row) => ({ instanceId: row.instance_id, claimedUntil: row.check_at }))
}

/**
 * Records what a check found. One that something made due meanwhile stays due, and one that failed is repeated soon.
 *
 * @param found - `nextAt`: when its exemption expires, if that is before the next check otherwise.
 */
export async function recordPolicyCheck(
  { database }: ChecksContext,
  { instanceId, claimedUntil }: PolicyCheck,
  found: { policyId: string | undefined; error: string | undefined; nextAt: Date | undefined },
): Promise<void> {
  const { policyId = null, error = null, nextAt = null } = found
  const seconds = error === null ? EVERY_SECONDS : RETRY_SECONDS
  await sql`
    update policy_checks set checked_at = now(), policy_id = ${policyId}, error = ${error},
      check_at = case when check_at = ${claimedUntil}
        then least(now() + make_interval(secs => ${seconds}), ${nextAt}::timestamptz) else check_at end
    where instance_id = ${instanceId}`.execute(database)
}

/** What the last check of an instance found. */
export interface CheckedPolicy {
  checkedAt: Date | undefined
  policyId: string | undefined
  error: string | undefined
}

/** What the last checks of instances found; instances that were changed since are about to be checked again. */
export async function checkedPolicies(
  { database }: ChecksContext,
  instanceIds: readonly string[],
): Promise<Map<string, CheckedPolicy>> {
  const rows = await database
    .selectFrom('policy_checks')
    .select(['instance_id', 'checked_at', 'policy_id', 'error'])
    .where('instance_id', '=', sql<string>`any(${[...instanceIds]}::text[])`)
    .execute()
  return new Map(
    rows.map((row) => [
      row.instance_id,
      {
        checkedAt: row.checked_at ?? undefined,
        policyId: row.policy_id ?? undefined,
        error: row.error ?? undefined,
      },
    ]),
  )
}

/** Makes checks due that would be due later than after the longest interval. Returns how many. */
export async function capPolicyChecks({ database }: ChecksContext): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update policy_checks set check_at = now()
    where check_at > now() + make_interval(secs => ${sql.lit(EVERY_SECONDS)})`.execute(database)
  return Number(numAffectedRows)
}
