import { STATUS_CODES } from 'node:http'
import type { DestinationFailureCode, Problem as LegacyProblem } from '@osb-backup/protocol'
import type { Problem, ProblemCode } from '@osb-backup/protocol/v1'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod'
import { IdentityProviderError } from '../access/oidc/identity-provider-error.ts'
import { DatabaseUnavailable } from '../database/database-unavailable.ts'
import { RequestError, type RequestErrorCode } from '../shared/request-error.ts'
import { type Issue, invalidRequest, sentence } from './invalid-request.ts'
import { legacyFieldOf } from './problem-fields.ts'

/** The status and, in `/v1`, the code of each refusal. */
const refusalsByCode = {
  invalid: { status: 400, code: 'invalid-request' },
  'unknown-field': { status: 400, code: 'unknown-field' },
  unauthorised: { status: 401, code: 'unauthenticated' },
  forbidden: { status: 403, code: 'forbidden' },
  'item-not-granted': { status: 403, code: 'item-not-granted' },
  'not-found': { status: 404, code: 'not-found' },
  conflict: { status: 409, code: 'conflict' },
  'database-busy': { status: 409, code: 'database-busy' },
  'key-reused': { status: 409, code: 'idempotency-key-reused' },
  changed: { status: 412, code: 'version-mismatch' },
  'not-ready': { status: 503, code: 'unavailable' },
  'slow-down': { status: 429, code: 'rate-limited' },
} as const satisfies Record<RequestErrorCode, { status: number; code: ProblemCode }>

/** The codes of refusals by the HTTP server itself. */
const codesByStatus: Readonly<Record<number, ProblemCode>> = {
  404: 'not-found',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
}

/** When to retry while the database or an identity provider is unavailable. */
const WAIT_SECONDS = 5

/** What is answered to a request that is refused or fails. */
export interface Refusal {
  status: number
  code: ProblemCode
  detail: string
  field?: string | undefined
  jobId?: string | undefined
  failureCode?: DestinationFailureCode | undefined
  retryAfterSeconds?: number | undefined
}

/** Answers every error of the API: with one readable sentence, or a problem document, whichever the client accepts. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = refusalOf(error)
    if (refusal.status === 500) request.log.error({ err: error }, 'a request failed')
    if (refusal.code === 'unavailable') request.log.warn({ err: error }, 'a request could not be served')
    return answer(request, reply, refusal)
  })
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, {
      status: 404,
      code: 'not-found',
      detail: `There is no ${request.method} ${request.url.split('?')[0]}.`,
    }),
  )
}

/** Answers a path that the router cannot read; it reports that before any hook runs, authentication included. */
export function answerUnreadablePath(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const detail = 'The path is no valid URL, or a part of it is too long.'
  void answer(request, reply, { status: 400, code: 'invalid-request', detail })
}

/** The answer to an error. */
export function refusalOf(error: Error & { statusCode?: number | undefined }): Refusal {
  if (error instanceof RequestError) {
    const { field, jobId, failureCode, retryAfterSeconds } = error
    return { ...refusalsByCode[error.code], detail: error.message, field, jobId, failureCode, retryAfterSeconds }
  }
  if (error instanceof IdentityProviderError) {
    const code = 'identity-provider-unavailable'
    return { status: 503, code, detail: error.message, retryAfterSeconds: WAIT_SECONDS }
  }
  if (error instanceof DatabaseUnavailable) {
    const detail = `The manager's database is unavailable at the moment: try again in ${WAIT_SECONDS} seconds.`
    return { status: 503, code: 'unavailable', detail, retryAfterSeconds: WAIT_SECONDS }
  }
  if (isLate(error)) {
    const detail = 'The request took too long and was abandoned; read what it was to change before you repeat it.'
    return { status: 503, code: 'unavailable', detail, retryAfterSeconds: WAIT_SECONDS }
  }
  if (hasZodFastifySchemaValidationErrors(error)) return refusalOf(invalidRequest(issueOf(error.validation[0])))
  const status = error.statusCode ?? 500
  if (status < 500) return { status, code: codesByStatus[status] ?? 'invalid-request', detail: sentence(error.message) }
  return { status: 500, code: 'internal', detail: 'The manager failed to serve this request; its log says why.' }
}

/** Whether a request reached its deadline, which Fastify enforces. */
const isLate = (error: Error) => 'code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT'

function issueOf(issue: ZodFastifySchemaValidationError | undefined): Issue | undefined {
  if (issue === undefined) return undefined
  const path = issue.instancePath.split('/').filter(Boolean)
  return {
    code: issue.keyword,
    path,
    message: issue.message ?? 'is wrong',
    keys: issue.params.keys as string[] | undefined,
  }
}

/** `/v1` answers problem documents. Old clients print the body as it is and ask for text; everyone else gets RFC 9457. */
function answer(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, code, detail, field, jobId, failureCode, retryAfterSeconds } = refusal
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds)
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  reply.code(status)
  const isV1 = /^\/v1(\/|\?|$)/.test(request.url)
  if (!isV1 && request.headers.accept?.includes('text/plain')) {
    return reply.type('text/plain; charset=utf-8').send(detail)
  }
  const problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...(isV1 ? { code } : {}),
    detail,
    ...(field ? { field: isV1 ? field : legacyFieldOf(field, request.url) } : {}),
    ...(isV1 && jobId ? { jobId } : {}),
    ...(isV1 && failureCode ? { failureCode } : {}),
  } satisfies LegacyProblem & Partial<Problem>
  return reply.type('application/problem+json').serializer(JSON.stringify).send(problem)
}
