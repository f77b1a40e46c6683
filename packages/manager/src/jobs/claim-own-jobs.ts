import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Claimant } from './claims-repository.ts'
import { deleteExpiredLeases, hasLease } from './leases-repository.ts'
import { hasClaimableOwnJob, lockOwnJobs, type OwnJobKind } from './own-jobs-repository.ts'

/**
 * Claims the oldest jobs of a kind that managers run themselves, as many as the limit allows. They are not counted against other
 * limits.
 */
export async function claimOwnJobs(
  context: Pick<Context, 'database'>,
  kind: OwnJobKind,
  claimant: Claimant,
  maximum: number,
): Promise<{ claimed: string[]; maybeMore: boolean }> {
  if (!(await hasClaimableOwnJob(context, kind, claimant))) return { claimed: [], maybeMore: false }
  return inTransaction(context, async (tx) => {
    await deleteExpiredLeases(tx)
    if (!(await hasLease(tx, claimant.lockedBy))) return { claimed: [], maybeMore: false }
    return { claimed: await lockOwnJobs(tx, kind, claimant, maximum), maybeMore: false }
  })
}
