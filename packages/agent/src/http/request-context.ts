import { randomUUID } from 'node:crypto'
import { parseRequestId, withLogFields } from '@osb-backup/node'
import { type BegunSpan, beginSpan, parseTraceparent } from '@osb-backup/node/tracing'
import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** The id that a caller gave the request, or a new one; set once the caller has authenticated. */
    requestId: string
    /** Undefined where the request only reads. */
    span: BegunSpan | undefined
  }
}

/**
 * Has all that is logged for a request name its id, and traces the request. The lines of a job name the request that started it.
 */
export function followRequests(server: FastifyInstance): void {
  server.decorateRequest('requestId', '')
  server.decorateRequest('span', undefined)
  server.addHook('onRequest', (request, _reply, done) => {
    request.requestId = parseRequestId(request.headers['x-request-id']) ?? randomUUID()
    request.span = spanOf(request)
    within(request, done)
  })
  // The body was read meanwhile, by whatever the connection was doing.
  server.addHook('preValidation', (request, _reply, done) => within(request, done))
  server.addHook('onResponse', async (request, { statusCode }) => {
    request.span?.end({
      attributes: { 'http.response.status_code': statusCode },
      error: statusCode >= 500 ? `status ${statusCode}` : undefined,
    })
  })
}

function within({ requestId, span }: FastifyRequest, act: () => void): void {
  withLogFields({ requestId }, () => (span === undefined ? act() : span.run(act)))
}

/** Jobs are asked for again and again: those requests would bury the others. */
function spanOf({ method, routeOptions, headers }: FastifyRequest): BegunSpan | undefined {
  const route = routeOptions.url
  if (method === 'GET' || method === 'HEAD' || route === undefined) return undefined
  return beginSpan(`${method} ${route}`, {
    role: 'server',
    parent: parseTraceparent(headers.traceparent),
    attributes: { 'http.request.method': method, 'http.route': route },
  })
}
