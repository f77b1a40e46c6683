import type { FastifyError } from 'fastify'
import { BrokerError, type BrokerErrorCode } from '../../broker/broker-error.ts'
import { RequestError, type RequestErrorCode } from '../../shared/request-error.ts'
import { type Refusal, refusalOf } from '../problems.ts'
import type { App } from '../typed-app.ts'

const statuses = {
  AsyncRequired: 422,
  ConcurrencyError: 422,
  MaintenanceInfoConflict: 422,
  NotSupported: 422,
  Conflict: 409,
  NotFound: 404,
  Gone: 410,
} as const satisfies Record<BrokerErrorCode, number>

/** What is refused otherwise elsewhere: the Open Service Broker API has its own answers. */
const ownAnswers: Partial<Record<RequestErrorCode, { status: number; error: string }>> = {
  'item-not-granted': { status: 400, error: 'BadRequest' },
  conflict: { status: 422, error: 'ConcurrencyError' },
  'database-busy': { status: 422, error: 'ConcurrencyError' },
}

const wordsByStatus: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

/** Bodies that cannot be read, and those of other types: 400 here. */
const unreadable: ReadonlySet<number> = new Set([413, 415])

interface Answer extends Pick<Refusal, 'status' | 'retryAfterSeconds'> {
  error: string
  description: string
}

/** Answers errors as the Open Service Broker API has them. */
export function answerBrokerErrors(app: App): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { status, retryAfterSeconds, ...body } = answerOf(error)
    if (status === 500) request.log.error({ err: error }, 'a request failed')
    if (status === 503) request.log.warn({ err: error }, 'a request could not be served')
    if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds)
    if (status === 401) reply.header('WWW-Authenticate', 'Basic realm="service broker", charset="UTF-8"')
    return reply.code(status).type('application/json').serializer(JSON.stringify).send(body)
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type('application/json')
      .serializer(JSON.stringify)
      .send({ error: 'NotFound', description: `There is no ${request.method} ${request.url.split('?')[0]}.` }),
  )
}

function answerOf(error: Error): Answer {
  if (error instanceof BrokerError) {
    return { status: statuses[error.code], error: error.code, description: error.message }
  }
  const own = error instanceof RequestError ? ownAnswers[error.code] : undefined
  if (own !== undefined) return { ...own, description: error.message }
  const { status: refused, detail, retryAfterSeconds } = refusalOf(error)
  const status = unreadable.has(refused) ? 400 : refused
  const description = status === 401 ? 'Send the name and the password of a broker account: HTTP Basic.' : detail
  return { status, error: wordsByStatus[status] ?? 'Refused', description, retryAfterSeconds }
}

/** The platform speaks a version of the API that this broker does not. */
export class VersionError extends Error {
  override readonly name = 'VersionError'
  readonly statusCode = 412
}
