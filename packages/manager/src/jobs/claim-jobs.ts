import { setTimeout as sleep } from 'node:timers/promises'
import { canTakeSlot, chooseJobs, type JobLimits, type RunKind } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import * as claims from './claims-repository.ts'
import { deleteExpiredLeases, hasLease } from './leases-repository.ts'

export type { Claimant } from './claims-repository.ts'

/** How many jobs are claimed in one transaction. */
const BATCH_SIZE = 50
/** How often in a row a manager tries to claim while others do; then it looks again at its next poll. */
const MAX_ATTEMPTS = 10
const CONTENTION_PAUSE_MS = 50

type ClaimContext = Pick<Context, 'database' | 'settings'>

/**
 * Claims waiting jobs for a manager, within the limits: those that no manager has locked, those of managers that are dead, and
 * those that this manager has locked but does not run. Jobs that work at their agents already are claimed whatever the limits
 * are: they run, and a manager has to follow them.
 *
 * @returns The ids of the jobs that were claimed, and whether there may be more.
 */
export async function claimJobs(
  context: ClaimContext,
  claimant: claims.Claimant,
): Promise<{ claimed: string[]; maybeMore: boolean }> {
  if (!(await claims.hasClaimableJob(context, claimant))) return { claimed: [], maybeMore: false }
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const result = await tryToClaimJobs(context, claimant)
    if (result !== undefined) return result
    await sleep(CONTENTION_PAUSE_MS)
  }
  return { claimed: [], maybeMore: false }
}

/** Claims jobs. Returns undefined if another manager claims at the moment. */
async function tryToClaimJobs(
  context: ClaimContext,
  claimant: claims.Claimant,
): Promise<{ claimed: string[]; maybeMore: boolean } | undefined> {
  return inTransaction(context, async (tx) => {
    if (!(await claims.tryLockClaims(tx))) return undefined
    await deleteExpiredLeases(tx)
    await claims.unlockAbandonedJobs(tx, claimant)
    if (!(await hasLease(tx, claimant.lockedBy))) return { claimed: [], maybeMore: false }
    const { running, waiting } = await listJobs(tx)
    const followed = running.filter((job) => !job.isLocked).slice(0, BATCH_SIZE)
    const chosen = chooseJobs(waiting, running, limitsOf(context), BATCH_SIZE - followed.length)
    const wanted = [...followed, ...chosen].map((job) => job.id)
    const claimed = await claims.lockJobs(tx, wanted, claimant.lockedBy)
    return { claimed, maybeMore: claimed.length === BATCH_SIZE }
  })
}

/**
 * Whether a job that runs may run one more of its parts at the same time, within the limits and without taking a slot that a job
 * waits for. Until the transaction ends no other manager uses the slot. False, too, while another manager claims.
 *
 * @param tx - Has not locked any job.
 */
export async function claimSlot(tx: InTransaction<ClaimContext>, jobId: string): Promise<boolean> {
  if (!(await claims.tryLockClaims(tx))) return false
  const { running, waiting } = await listJobs(tx)
  return canTakeSlot(jobId, waiting, running, limitsOf(tx))
}

async function listJobs(tx: InTransaction) {
  const open = await claims.listOpenJobs(tx)
  return {
    running: open.filter((job) => job.isLocked || job.isWorking),
    waiting: open.filter((job) => !job.isLocked && !job.isWorking),
  }
}

/** Unlocks a job that this manager stops running before it ended, so that another one may claim it. */
export function unlockJob(context: ClaimContext, lock: { id: string; lockedBy: string }): Promise<void> {
  return claims.unlockJob(context, lock)
}

function limitsOf({ settings }: Pick<ClaimContext, 'settings'>): Record<RunKind, JobLimits> {
  return {
    backup: {
      overall: settings.maxRunningJobs,
      perAgent: settings.maxRunningJobsPerAgent,
      perDestination: settings.maxRunningJobsPerDestination,
    },
    restore: {
      overall: settings.maxRunningRestores,
      perAgent: settings.maxRunningRestoresPerAgent,
      perDestination: settings.maxRunningRestoresPerDestination,
    },
  }
}
