import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseRequestId, withLogFields } from '@osb-backup/node'
import { type BegunSpan, beginSpan, parseTraceparent } from '@osb-backup/node/tracing'
import type { FastifyRequest } from 'fastify'
import type { App } from './typed-app.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined on routes that everybody may call. */
    span: BegunSpan | undefined
  }
}

/** The id of a request: its `X-Request-Id`, or what platforms of the Open Service Broker API send, or a new one. */
export const requestIdOf = ({ headers }: IncomingMessage): string =>
  parseRequestId(headers['x-request-id']) ?? parseRequestId(headers['x-broker-api-request-identity']) ?? randomUUID()

/**
 * Has all that is logged for a request name its id, answers with the id, and traces the request. To be called before hooks that
 * do anything.
 */
export function followRequests(app: App): void {
  app.decorateRequest('span', undefined)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id)
    request.span = spanOf(request)
    within(request, done)
  })
  // The body was read meanwhile, by whatever the connection was doing.
  app.addHook('preValidation', (request, _reply, done) => within(request, done))
  app.addHook('onResponse', async (request, { statusCode }) => {
    request.span?.end({
      attributes: { 'http.response.status_code': statusCode },
      error: statusCode >= 500 ? `status ${statusCode}` : undefined,
    })
  })
}

function within(request: FastifyRequest, act: () => void): void {
  withLogFields({ requestId: request.id }, () => (request.span === undefined ? act() : request.span.run(act)))
}

function spanOf({ method, routeOptions, headers }: FastifyRequest): BegunSpan | undefined {
  // Probes would bury what is worth a look.
  if (routeOptions.config?.access === 'open') return undefined
  const route = routeOptions.url ?? 'unknown route'
  return beginSpan(`${method} ${route}`, {
    role: 'server',
    parent: parseTraceparent(headers.traceparent),
    attributes: { 'http.request.method': method, 'http.route': route },
  })
}
