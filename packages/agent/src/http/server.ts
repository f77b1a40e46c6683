import type { RunKind } from '@osb-backup/core'
import type { TlsFiles } from '@osb-backup/node'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { descriptorLimit } from '../jobs/descriptor-reserve.ts'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import type { MeasuredNow } from '../jobs/job-meters.ts'
import type { JobKey } from '../jobs/job-record.ts'
import { hasPendingUnlock, markUnlockedProblem } from '../jobs/pending-steps.ts'
import { readPack } from '../scripts/script-pack.ts'
import { CallerConnections } from './caller-connections.ts'
import { answerItems } from './items-answer.ts'
import { failureAnswer, jobAnswer } from './job-answer.ts'
import type { KnownCallers } from './known-callers.ts'
import { type Attempt, PasswordAttempts } from './password-attempts.ts'
import { readBody } from './read-body.ts'
import { followRequests } from './request-context.ts'
import { refuse, startJob } from './start-job.ts'
import { type CertificateStatus, disksOf, statusAnswer } from './status-answer.ts'

/** Maximum size of a request in bytes. Real ones have a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 2000
/** Time limits for the headers and for the whole request. */
const HEADERS_TIMEOUT_MS = 10_000
const HANDSHAKE_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 75_000
/** How often Node checks these time limits. */
const CHECKING_MS = 1000
const limits = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECKING_MS,
}

/** No route has a schema. Fastify's own compilers of schemas would be loaded all the same. */
const noCompiler = () => () => {
  throw new Error('routes have no schemas')
}

/** Builds the agent's HTTP server, or HTTPS if there are certificates; it does not listen yet. */
export function buildServer(
  deps: JobDependencies,
  known: KnownCallers,
  { tls, certificate }: { tls?: TlsFiles; certificate?: CertificateStatus },
): FastifyInstance {
  const { settings, log } = deps
  const { credentials } = settings
  const attempts = credentials && new PasswordAttempts(credentials, { known, log })
  const authenticate = ({ ip, headers }: FastifyRequest): Attempt =>
    attempts?.check(ip, headers.authorization, performance.now()) ?? { result: 'accepted' }
  const server = Fastify({
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tlsOptions(tls) } }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Idle connections do not delay the shutdown.
    forceCloseConnections: 'idle',
    // An id of 255 bytes, percent-encoded.
    routerOptions: { maxParamLength: 800 },
    logger: false,
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    // An invalid path is answered before any hook runs.
    frameworkErrors: (_error, request, reply) => {
      // Its type depends on the schema of a route, which does not exist here.
      const plain = reply as unknown as FastifyReply
      const attempt = authenticate(request as unknown as FastifyRequest)
      if (attempt.result === 'accepted') plain.code(404).send()
      else turnAway(plain, attempt)
    },
  })
  // Connections must not take the descriptors that jobs need.
  const maximum = Math.min(MAX_CONNECTIONS, Math.ceil((descriptorLimit() ?? Infinity) / 4))
  const connections = new CallerConnections(server.server, maximum)
  server.addHook('onRequest', async (request, reply) => {
    const attempt = authenticate(request)
    if (attempt.result !== 'accepted') return turnAway(reply, attempt)
    connections.noteAuthenticated(request.raw)
  })
  followRequests(server)
  // The body is JSON, whatever its content type; it is parsed by the routes, so that an invalid one gets the published
  // answer.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  server.setNotFoundHandler((_request, reply) => reply.code(404).send())
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const code = error.statusCode ?? 500
    if (code >= 500) deps.log.error({ err: error.message, method: request.method }, 'request failed')
    const kind: RunKind = request.url.startsWith('/restore') ? 'restore' : 'backup'
    return reply.code(code).send(failureAnswer(kind, 'Body Deserialization', error.message))
  })

  server.get('/status', async () => statusAnswer(await readPack(settings.scriptsPath), deps, certificate))
  server.post('/items', (request, reply) => answerItems(String(request.body ?? ''), reply, deps))
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await deps.metrics.text(await measureNow(deps))
    return reply.type(contentType).send(text)
  })
  server.post('/backup', (request, reply) => startJob('backup', request.body, reply, deps))
  server.put('/restore', (request, reply) => startJob('restore', request.body, reply, deps))
  for (const kind of ['backup', 'restore'] as const) {
    server.get<{ Params: { id: string } }>(`/${kind}/:id`, async (request, reply) => {
      const job = deps.registry.find({ kind, id: request.params.id })
      return job === undefined
        ? reply.code(404).send()
        : reply.send(jobAnswer(await deps.registry.fullRecord(job), job.nextRetryAt))
    })
    for (const action of ['retry-unlock', 'mark-unlocked'] as const) {
      server.post<{ Params: { id: string } }>(`/${kind}/:id/${action}`, (request, reply) =>
        intervene({ kind, id: request.params.id }, action, reply, deps),
      )
    }
    server.delete(`/${kind}`, (request, reply) => remove(kind, request.body, reply, deps))
  }
  return server
}

/** If there is a CA, callers without a certificate of it are rejected. */
export const tlsOptions = (tls: TlsFiles) => ({
  ...tls,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  minVersion: 'TLSv1.2' as const,
  ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
})

async function measureNow({ registry, settings }: JobDependencies): Promise<MeasuredNow> {
  const running = registry.running()
  const count = (kind: RunKind) => running.filter(({ record }) => record.request.kind === kind).length
  return {
    running: { backup: count('backup'), restore: count('restore') },
    limit: settings.maxJobs,
    pendingUnlocks: registry.locked().filter(({ record }) => hasPendingUnlock(record)).length,
    freeDiskBytes: (await disksOf(settings)).free,
  }
}

/** Answers a caller without valid credentials, and closes the connection. */
function turnAway(reply: FastifyReply, attempt: Exclude<Attempt, { result: 'accepted' }>): FastifyReply {
  reply.header('connection', 'close')
  if (attempt.result === 'limited') {
    const message = 'Too many failed attempts to authenticate from this address.'
    return reply.code(429).header('retry-after', attempt.retryAfterSeconds).send({ message, error_message: message })
  }
  return reply
    .code(401)
    .header('www-authenticate', 'Basic realm="backup agent", charset="UTF-8"')
    .send({ message: 'Unauthorised.' })
}

/**
 * What an operator does about a database whose unlock fails: has it retried at once, or says that it is unlocked. Answers
 * with the job, and 409 if it has no such unlock.
 */
async function intervene(
  key: JobKey,
  action: 'retry-unlock' | 'mark-unlocked',
  reply: FastifyReply,
  { registry, now, log }: JobDependencies,
): Promise<FastifyReply> {
  const job = registry.find(key)
  if (job === undefined) return reply.code(404).send()
  if (action === 'mark-unlocked' && markUnlockedProblem(job.record) === undefined) {
    log.warn({ kind: key.kind, jobId: key.id }, 'an operator marked the database as unlocked')
    await registry.markUnlocked(job, now())
  } else if (action === 'retry-unlock' && hasPendingUnlock(job.record)) {
    job.retryNow?.abort()
  } else {
    reply.code(409)
  }
  return reply.send(jobAnswer(await registry.fullRecord(job), job.nextRetryAt))
}

/**
 * Deletes a job. A running one is cancelled, and deleted when its always-run steps have finished. With `keep_result` nothing is
 * deleted: the caller reads how the job ended, and deletes it then.
 */
async function remove(
  kind: RunKind,
  text: unknown,
  reply: FastifyReply,
  { registry }: JobDependencies,
): Promise<FastifyReply> {
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.error)
  const { id, keep_result: keepResult = false } = body.value
  if (id === undefined || id === '') return refuse(reply, kind, 'id is empty')
  const isKnown = await (keepResult ? registry.cancel({ kind, id }) : registry.discard({ kind, id }))
  return reply.code(isKnown ? 200 : 410).send()
}
