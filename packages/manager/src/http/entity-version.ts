import type { FastifyReply, FastifyRequest } from 'fastify'
import { changedMeanwhile } from '../shared/request-error.ts'

/** Sends the version that the answer shows, as ETag. */
export function sendVersion(reply: FastifyReply, version: number): void {
  reply.header('ETag', `"${version}"`)
}

/**
 * The version that a caller edits, from If-Match. Undefined for callers that do not send it: they overwrite whichever is
 * stored.
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
