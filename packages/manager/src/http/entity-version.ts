import type { FastifyReply, FastifyRequest } from 'fastify'
import { RequestError } from '../shared/request-error.ts'

/** Tells the caller which version of a thing the answer shows. */
export function sendVersion(reply: FastifyReply, version: number): void {
  reply.header('ETag', `"${version}"`)
}

/**
 * The version that a caller says it edits, from If-Match. Undefined for callers that do not say: they overwrite, as they
 * always did.
 *
 * @throws {RequestError} If the header is not one version that this API gave out.
 */
export function editedVersion(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match']
  if (header === undefined || header === '*') return undefined
  const version = /^"(\d{1,9})"$/.exec(header)?.[1]
  if (version === undefined) throw changedMeanwhile()
  return Number(version)
}

/** The refusal for an edit of a version that is not the present one. */
export function changedMeanwhile(): RequestError {
  return new RequestError(
    'changed',
    'Somebody else changed this since you read it: read it again and repeat your change.',
  )
}
