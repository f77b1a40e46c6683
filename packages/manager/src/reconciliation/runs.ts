import { authorizeInstance, type Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { checkAllowed } from '../destinations/rules.ts'
import { getAnyDestination } from '../destinations/service.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { ReconciliationRun } from './reconciliation.ts'
import * as repository from './repository.ts'
import { checkOptions } from './service.ts'

/**
 * Requests a reconciliation, which a manager runs in the background.
 *
 * @param key - A request that is sent again with the same key requests nothing.
 * @throws {RequestError} If one of the destination waits or runs.
 */
export async function requestReconciliation(
  context: Context,
  call: Call,
  destinationId: string,
  { remove, adopt, olderThanSeconds }: Pick<ReconciliationRun, 'remove' | 'adopt' | 'olderThanSeconds'>,
  key: IdempotencyKey | undefined,
): Promise<ReconciliationRun> {
  checkOptions({ remove, adopt })
  const destination = await getAnyDestination(context, call, destinationId)
  if (remove) requirePermission(call, 'delete-backups', 'Removing orphans')
  await checkAllowed(destination.store, context)
  const createdAt = await readClock(context)
  const run: ReconciliationRun = {
    id: newIdentifier(createdAt),
    destinationId,
    instanceId: destination.instanceId,
    state: 'queued',
    remove,
    adopt,
    olderThanSeconds,
    createdAt,
    beganAt: undefined,
    endedAt: undefined,
    error: undefined,
    found: undefined,
  }
  return createOnce<Context, ReconciliationRun>(context, {
    id: run.id,
    call,
    key,
    async create(tx) {
      if (await repository.insertReconciliation(tx, run)) return run
      throw new RequestError('conflict', `The destination ${destinationId} is being reconciled: wait for the end.`)
    },
    find: (id) => repository.findReconciliation(context, id),
  })
}

/** @throws {RequestError} If there is no such reconciliation, or the caller was not granted its instance. */
export async function getReconciliation(context: Context, call: Call, id: string): Promise<ReconciliationRun> {
  const run = await repository.findReconciliation(context, id)
  if (run === undefined) throw notFound('reconciliation', id)
  await authorizeInstance(call, run.instanceId, { what: 'reconciliation', id })
  return run
}

/**
 * Cancels a reconciliation; what it has removed by then stays removed.
 *
 * @throws {RequestError} If it has ended.
 */
export async function cancelReconciliation(context: Context, call: Call, id: string): Promise<ReconciliationRun> {
  await getReconciliation(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    if (await repository.cancelReconciliation(tx, id, call.caller.name)) return
    throw new RequestError('conflict', `The reconciliation ${id} has ended.`)
  })
  return getReconciliation(context, call, id)
}
