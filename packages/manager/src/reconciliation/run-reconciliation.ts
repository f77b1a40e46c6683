import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context/context.ts'
import { destinationsById } from '../destinations/service.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Reconciliation, ReconciliationRun } from './reconciliation.ts'
import * as repository from './repository.ts'
import { reconcileDestination } from './service.ts'

/** How often the lock is renewed; a lost one ends the attempt well before another manager begins one. */
const RENEW_MS = 3000

const stopped = 'the reconciliation was cancelled, or another manager runs it'

/**
 * Runs the oldest reconciliation that waits. One that its manager did not finish is run again from the start.
 *
 * @param signal - Gives it back, so that another manager runs it.
 * @returns Whether there was one.
 */
export async function runNextReconciliation(context: Context, signal: AbortSignal): Promise<boolean> {
  const lockedBy = randomUUID()
  const run = await repository.claimReconciliation(context, lockedBy)
  if (run === undefined) return false
  const log = context.log.child({ reconciliationId: run.id, destinationId: run.destinationId })
  const attempt = new AbortController()
  const renewing = renew({ ...context, log }, lockedBy, attempt)
  try {
    const found = await find(context, run, AbortSignal.any([signal, attempt.signal]))
    await repository.endReconciliation(context, lockedBy, { found })
  } catch (error) {
    if (signal.aborted) await repository.releaseLock(context, lockedBy)
    else if (attempt.signal.reason instanceof RequestError) {
      await repository.endReconciliation(context, lockedBy, { error: attempt.signal.reason.message })
    } else if (!attempt.signal.aborted) {
      if (!(error instanceof RequestError)) log.error({ err: error }, 'a reconciliation failed')
      const message = error instanceof RequestError ? error.message : 'The log of the manager says why.'
      await repository.endReconciliation(context, lockedBy, { error: message })
    }
  } finally {
    attempt.abort()
    await renewing
  }
  return true
}

async function find(context: Context, run: ReconciliationRun, signal: AbortSignal): Promise<Reconciliation> {
  const destination = (await destinationsById(context, [run.destinationId])).get(run.destinationId)
  invariant(destination, `reconciliation ${run.id} has a destination`)
  const { remove, adopt, olderThanSeconds } = run
  const olderThanHours = olderThanSeconds === undefined ? undefined : olderThanSeconds / 3600
  return reconcileDestination(context, destination, { remove, adopt, olderThanHours, signal })
}

/** Renews the lock of an attempt, and ends the attempt when it is lost or its time is up. */
async function renew(context: Context, lockedBy: string, attempt: AbortController): Promise<void> {
  const limitSeconds = context.settings.reconciliationTimeoutSeconds
  let renewedAtMs = performance.now()
  for (;;) {
    await sleep(RENEW_MS, undefined, { signal: attempt.signal }).catch(() => undefined)
    if (attempt.signal.aborted) return
    try {
      const seconds = await repository.renewLock(context, lockedBy)
      if (seconds === undefined) return attempt.abort(new Error(stopped))
      renewedAtMs = performance.now()
      if (seconds >= limitSeconds) {
        const message = `The destination was not reconciled within ${limitSeconds} seconds.`
        return attempt.abort(new RequestError('conflict', message))
      }
    } catch (error) {
      context.log.warn({ err: error }, 'renewing the lock of a reconciliation failed; retrying')
      if (performance.now() - renewedAtMs > repository.LOCK_SECONDS * 500) return attempt.abort(new Error(stopped))
    }
  }
}
