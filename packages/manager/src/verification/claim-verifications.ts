import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Claimant } from '../jobs/claims-repository.ts'
import { deleteExpiredLeases, hasLease } from '../jobs/leases-repository.ts'
import * as repository from './repository.ts'

/** Claims the oldest verifications for a manager, as many as the limit allows. They are not counted against other limits. */
export async function claimVerifications(
  context: Pick<Context, 'database' | 'settings'>,
  claimant: Claimant,
): Promise<{ claimed: string[]; maybeMore: boolean }> {
  if (!(await repository.hasClaimableVerification(context, claimant))) return { claimed: [], maybeMore: false }
  return inTransaction(context, async (tx) => {
    await deleteExpiredLeases(tx)
    if (!(await hasLease(tx, claimant.lockedBy))) return { claimed: [], maybeMore: false }
    const claimed = await repository.lockVerifications(tx, claimant, context.settings.maxRunningVerifications)
    return { claimed, maybeMore: false }
  })
}
