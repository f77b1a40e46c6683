import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { RequestError } from '../shared/request-error.ts'

/**
 * Reads the header Idempotency-Key; undefined where there is none, and every request creates something of its own.
 *
 * @throws {RequestError} If it is not a valid key.
 */
export function parseIdempotencyKey(request: FastifyRequest): IdempotencyKey | undefined {
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
  const { caller } = request.call
  return { callerId: `${caller.kind}:${caller.id}`, key, requestDigest }
}
