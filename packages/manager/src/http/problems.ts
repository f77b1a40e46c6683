import { STATUS_CODES } from 'node:http'
import type { Problem } from '@osb-backup/protocol'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { IdentityProviderError } from '../access/oidc/identity-provider-error.ts'
import { RequestError, type RequestErrorCode } from '../shared/request-error.ts'

const statusOf = {
  invalid: 400,
  unauthorised: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  changed: 412,
  'slow-down': 429,
} as const satisfies Record<RequestErrorCode, number>

/** When to retry while an identity provider is unreachable. */
const PROVIDER_WAIT_SECONDS = 5

interface Refusal {
  status: number
  detail: string
  field?: string | undefined
  retryAfterSeconds?: number | undefined
}

/** Answers every error of the API: with one readable sentence, or a problem document, whichever the client accepts. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = refusalOf(error)
    if (refusal.status === 500) request.log.error({ err: error }, 'a request failed')
    return answer(request, reply, refusal)
  })
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, { status: 404, detail: `There is no ${request.method} ${request.url.split('?')[0]}.` }),
  )
}

/** Answers a path that the router cannot read; it reports that before any hook runs, authentication included. */
export function answerUnreadablePath(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void answer(request, reply, { status: 400, detail: 'The path is no valid URL, or a part of it is too long.' })
}

function refusalOf(error: FastifyError): Refusal {
  if (error instanceof RequestError) {
    const { field, retryAfterSeconds } = error
    return { status: statusOf[error.code], detail: error.message, field, retryAfterSeconds }
  }
  if (error instanceof IdentityProviderError) {
    return { status: 503, detail: error.message, retryAfterSeconds: PROVIDER_WAIT_SECONDS }
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issue = error.validation[0]
    const field = issue?.instancePath.split('/').filter(Boolean).join('.')
    return { status: 400, detail: sentence(`${field || 'The body'}: ${issue?.message ?? 'is wrong'}`), field }
  }
  const status = error.statusCode ?? 500
  if (status < 500) return { status, detail: sentence(error.message) }
  return { status: 500, detail: 'The manager failed to serve this request; its log says why.' }
}

/** Old clients print the body as it is and ask for text; everyone else gets RFC 9457. */
function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, detail, field, retryAfterSeconds }: Refusal,
): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds)
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  reply.code(status)
  if (request.headers.accept?.includes('text/plain')) return reply.type('text/plain; charset=utf-8').send(detail)
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    ...(field ? { field } : {}),
  }
  return reply.type('application/problem+json').serializer(JSON.stringify).send(problem)
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
