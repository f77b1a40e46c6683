import type { FastifyRequest } from 'fastify'
import { needGrant } from './caller.ts'

/**
 * Lets a call go on only if its caller was granted the instance, and notes the instance for the audit log. To be called
 * before anything that belongs to the instance is shown or changed.
 *
 * @param asked - What the caller asked for, where that is not the instance itself: the refusal names it as not there.
 * @throws {RequestError} `not-found`.
 */
export async function enterInstance(
  request: FastifyRequest,
  instanceId: string,
  asked?: { what: string; id: string },
): Promise<void> {
  const use = request.method === 'GET' ? 'read' : 'change'
  await needGrant(request.caller, instanceId, use, asked)
  request.auditedInstanceId = instanceId
}
