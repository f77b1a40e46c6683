import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Transaction } from 'kysely'
import type { Tables } from '../database/schema.ts'
import { RequestError } from '../shared/request-error.ts'

const KEPT_HOURS = 24

/** What makes a request to start a job one and the same when it is sent again. */
export interface Once {
  callerId: string
  key: string
  /** Of path and body: the same key with another request is a mistake. */
  requestDigest: string
}

/**
 * Reads the header Idempotency-Key; undefined where there is none, and every request starts a job of its own.
 *
 * @throws {RequestError} If it is no key.
 */
export function onceOf(request: FastifyRequest): Once | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new RequestError('invalid', 'Idempotency-Key must be 1 to 200 printable characters without spaces.', {
      field: 'Idempotency-Key',
    })
  }
  const requestDigest = createHash('sha256')
    .update(`${request.url}\n${JSON.stringify(request.body)}`)
    .digest('hex')
  return { callerId: `${request.caller.kind}:${request.caller.id}`, key, requestDigest }
}

/**
 * Takes a key for a job that is about to be made, within the transaction that makes it. Of two requests at once the second
 * waits for the first.
 *
 * @returns The job that the key has started already, if it has; then none is to be made.
 * @throws {RequestError} If it did so for another request.
 */
export async function takeKey(
  transaction: Transaction<Tables>,
  once: Once,
  jobId: string,
  now: Date,
): Promise<string | undefined> {
  const oldest = new Date(now.getTime() - KEPT_HOURS * 3_600_000)
  await transaction.deleteFrom('idempotency_keys').where('created_at', '<', oldest).execute()
  const { numInsertedOrUpdatedRows = 0n } = await transaction
    .insertInto('idempotency_keys')
    .values({
      caller_id: once.callerId,
      key: once.key,
      request_digest: once.requestDigest,
      job_id: jobId,
      created_at: now,
    })
    .onConflict((conflict) => conflict.columns(['caller_id', 'key']).doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows > 0n) return undefined
  const taken = await transaction
    .selectFrom('idempotency_keys')
    .select(['job_id', 'request_digest'])
    .where('caller_id', '=', once.callerId)
    .where('key', '=', once.key)
    .executeTakeFirstOrThrow()
  if (taken.request_digest === once.requestDigest) return taken.job_id
  throw new RequestError('conflict', 'This Idempotency-Key was used for another request: use a new one.', {
    field: 'Idempotency-Key',
  })
}
