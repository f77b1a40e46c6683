import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InTransaction } from '../database/transaction.ts'
import { RequestError } from '../shared/request-error.ts'
import type { IdempotencyKey } from './idempotency-key.ts'
import { deleteKeysBefore, reserveIdempotencyKey } from './repository.ts'

/** For how long a key identifies its request, at least. */
const RETENTION_MS = 24 * 3_600_000

/** How something is created at most once. */
export interface Creation<C extends Pick<Context, 'database'>, T> {
  /** The id that it gets. */
  id: string
  /** Undefined: the manager creates it by itself. */
  call: Call | undefined
  /** Undefined: each request creates something of its own. */
  key: IdempotencyKey | undefined
  /** Stores it, in a transaction that also reserves the key. */
  create(tx: InTransaction<C>): Promise<T>
  /** Finds what the same request created before; undefined if it was deleted. */
  find(id: string): Promise<T | undefined>
}

/**
 * Creates something, unless the same request did so before.
 *
 * @throws {RequestError} If the key was used for another request, or what it created was deleted since.
 */
export async function createOnce<C extends Pick<Context, 'database'>, T>(
  context: C,
  { id, call, key, create, find }: Creation<C, T>,
): Promise<T> {
  const result = await inAuditedTransaction(context, call, async (tx): Promise<{ created: T } | { before: string }> => {
    const reserved = key && (await reserveIdempotencyKey(tx, key, id, await readClock(tx)))
    if (reserved === undefined) return { created: await create(tx) }
    if (reserved.requestDigest === key?.requestDigest) return { before: reserved.resourceId }
    const message = 'This Idempotency-Key was used for another request: use a new one.'
    throw new RequestError('key-reused', message, { field: 'Idempotency-Key' })
  })
  if ('created' in result) return result.created
  const found = await find(result.before)
  if (found !== undefined) return found
  throw new RequestError('conflict', 'What this Idempotency-Key created was deleted since.')
}

/** Deletes keys that are too old to identify a request. */
export async function deleteOldKeys(context: Pick<Context, 'database'>): Promise<void> {
  await deleteKeysBefore(context, new Date((await readClock(context)).getTime() - RETENTION_MS))
}
