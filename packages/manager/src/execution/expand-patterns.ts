import { setTimeout as sleep } from 'node:timers/promises'
import { coversItem, err, expandItems, isItemPattern, ok, type Result } from '@osb-backup/core'
import { type FailureCode, itemSchema } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { findInstance } from '../instances/service.ts'
import type { BackupJob, JobLock } from '../jobs/job.ts'
import { updateJob } from '../jobs/part-results.ts'
import { failWaitingParts, replaceWaitingParts } from '../jobs/parts-repository.ts'
import { findCancellation, lockJob } from '../jobs/state-repository.ts'
import { plansById } from '../plans/service.ts'
import { findGrant, listItems } from './list-items.ts'

const RETRY_MS = 2000
/** As many parts as a plan can name, and some; each is a request to the agent and a row. */
const MAX_PARTS = 2000

/** Why a run does not know what it covers. */
interface ExpansionFailure {
  error: string
  code: FailureCode
}

const patternParts = ({ parts }: BackupJob) =>
  parts.filter(({ item, status }) => status === 'STARTED' && isItemPattern(item))

/** Whether a job has parts that stand for patterns. */
export const hasPatterns = (job: BackupJob): boolean => patternParts(job).length > 0

/**
 * Replaces the parts of a backup job that stand for patterns by one for each item that there is now. If the items cannot be listed,
 * or none matches, those parts fail, and so does the job: it never covers less than its plan without saying so.
 *
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function expandPatterns(
  context: Context,
  lock: JobLock,
  job: BackupJob,
  signal: AbortSignal,
): Promise<void> {
  const expanded = await expand(context, lock, job, signal)
  if (expanded === undefined) return
  const positions = patternParts(job).map(({ position }) => position)
  await inTransaction(context, async (tx) => {
    await lockJob(tx, lock)
    const now = await readClock(tx)
    if (expanded.ok) {
      const named = new Set(job.parts.map(({ item }) => item))
      await replaceWaitingParts(
        tx,
        job.id,
        positions,
        expanded.value.filter((item) => !named.has(item)),
      )
    } else {
      const { error, code: failureCode } = expanded.error
      await failWaitingParts(tx, job.id, { error, failureCode, now, positions })
    }
    await updateJob(tx, job.id, now)
  })
}

/** The items that the patterns of a job stand for; undefined: the job was cancelled. */
async function expand(
  context: Context,
  lock: JobLock,
  job: BackupJob,
  signal: AbortSignal,
): Promise<Result<string[], ExpansionFailure> | undefined> {
  const plan = (await plansById(context, [job.planId])).get(job.planId)
  if (plan === undefined) return err({ error: 'The plan was deleted before its items were listed.', code: 'other' })
  const items = job.parts.map(({ item }) => item)
  const listed = await listPatiently(context, lock, job, signal)
  if (listed === undefined || !listed.ok) return listed
  const { names, granted } = listed.value
  const chosen = expandItems({ items, excludedItems: plan.excludedItems }, names, granted)
  const patterns = { items: items.filter(isItemPattern), excludedItems: plan.excludedItems }
  const shown = patterns.items.join(', ')
  if (chosen.length === 0 && !names.some((name) => items.includes(name) && coversItem(patterns, name))) {
    return err({ error: `Nothing that the instance may use matches ${shown}.`, code: 'other' })
  }
  if (chosen.length > MAX_PARTS) {
    return err({ error: `${shown} matches ${chosen.length} items; at most ${MAX_PARTS} are possible.`, code: 'other' })
  }
  const wrong = chosen.find((item) => !itemSchema.safeParse(item).success || isItemPattern(item))
  if (wrong === undefined) return ok(chosen)
  const error = `${JSON.stringify(wrong)} cannot be backed up under its name: exclude it from the plan, or rename it.`
  return err({ error, code: 'other' })
}

/** Lists the items, as long as an agent may be unreachable. Undefined: the job was cancelled. */
async function listPatiently(
  context: Context,
  lock: JobLock,
  { instanceId }: BackupJob,
  signal: AbortSignal,
): Promise<Result<{ names: string[]; granted: readonly string[] | undefined }, ExpansionFailure> | undefined> {
  const giveUpAt = performance.now() + context.settings.agentUnreachableSeconds * 1000
  for (;;) {
    signal.throwIfAborted()
    if ((await findCancellation(context, lock)) !== undefined) return undefined
    const instance = await findInstance(context, instanceId)
    if (instance === undefined) return err({ error: 'The service instance is no longer registered.', code: 'other' })
    const grant = await findGrant(context, instance)
    if (!grant.ok) return err({ error: grant.error, code: 'item-not-granted' })
    const listed = await listItems(context, instance, signal)
    if (listed.ok) return ok({ names: listed.value, granted: grant.value })
    const { reason, code, isTemporary } = listed.error
    if (!isTemporary || performance.now() >= giveUpAt) return err({ error: reason, code })
    context.log.warn({ reason }, 'items not listed; it is tried again')
    await sleep(RETRY_MS, undefined, { signal })
  }
}
