import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from './idempotency-key.ts'

/**
 * Reserves a key for a resource that is about to be created, in the transaction that creates it. Of two requests at the same time
 * the second waits for the first.
 *
 * @returns The reservation that exists already; undefined if the key was reserved now.
 */
export async function reserveIdempotencyKey(
  { database }: InTransaction,
  { callerId, key, requestDigest }: IdempotencyKey,
  resourceId: string,
  now: Date,
): Promise<{ resourceId: string; requestDigest: string } | undefined> {
  const { numInsertedOrUpdatedRows = 0n } = await database
    .insertInto('idempotency_keys')
    .values({ caller_id: callerId, key, request_digest: requestDigest, resource_id: resourceId, created_at: now })
    .onConflict((conflict) => conflict.columns(['caller_id', 'key']).doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows > 0n) return undefined
  const reserved = await database
    .selectFrom('idempotency_keys')
    .select(['resource_id', 'request_digest'])
    .where('caller_id', '=', callerId)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return { resourceId: reserved.resource_id, requestDigest: reserved.request_digest }
}

/** Deletes keys that were reserved before an instant. */
export async function deleteKeysBefore({ database }: { database: Database }, before: Date): Promise<void> {
  await database.deleteFrom('idempotency_keys').where('created_at', '<', before).execute()
}
