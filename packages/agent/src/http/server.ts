import type { RunKind } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { MeasuredNow } from '../jobs/job-metrics.ts'
import type { Closure, RegisteredJob } from '../jobs/job-registry.ts'
import type { JobDependencies } from '../jobs/run-job.ts'
import { readPack, type ScriptPack } from '../scripts/script-pack.ts'
import type { TlsFiles } from '../start-checks.ts'
import { basicAuth } from './basic-auth.ts'
import { checkRequest, idProblem, reservedIds } from './check-request.ts'
import { failureAnswer, jobAnswer } from './job-answer.ts'
import { readBody } from './read-body.ts'
import { freeDisk, statusAnswer } from './status-answer.ts'

/** The largest request that is read, in bytes. Real ones are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 2000
/** How long a caller may take to send its headers, and the whole request. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 75_000
/** How often Node looks for requests that are late. */
const CHECKING_MS = 1000
/** When to ask again an agent that takes no new jobs now. */
const RETRY_AFTER_SECONDS = 30

const limits = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECKING_MS,
}

/** Builds the agent's HTTP server, or HTTPS where it is given certificates; it does not listen yet. */
export function buildServer(deps: JobDependencies, tls?: TlsFiles): FastifyInstance {
  const { settings } = deps
  const { credentials } = settings
  const letsIn = credentials === undefined ? () => true : basicAuth(credentials.username, credentials.password)
  const server = Fastify({
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tlsOptions(tls) } }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Connections that do nothing do not hold up the end of the agent.
    forceCloseConnections: 'idle',
    // An id of 255 bytes, percent-encoded.
    routerOptions: { maxParamLength: 800 },
    logger: false,
    // A path that is no URL is answered before any hook.
    frameworkErrors: (_error, request, reply) => {
      // Its type is bound to a route's schema, of which there is none here.
      const plain = reply as unknown as FastifyReply
      if (letsIn(request.headers.authorization)) plain.code(404).send()
      else unauthorised(plain)
    },
  })
  server.server.maxConnections = MAX_CONNECTIONS
  server.addHook('onRequest', async (request, reply) => {
    if (!letsIn(request.headers.authorization)) return unauthorised(reply)
  })
  // Whatever content type a client names, the body is JSON; read here, so that a bad one gets the published answer.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  server.setNotFoundHandler((_request, reply) => reply.code(404).send())
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const code = error.statusCode ?? 500
    if (code >= 500) deps.log.error({ problem: error.message, method: request.method }, 'request failed')
    const kind: RunKind = request.url.startsWith('/restore') ? 'restore' : 'backup'
    return reply.code(code).send(failureAnswer(kind, 'Body Deserialization', error.message))
  })

  server.get('/status', async () => statusAnswer(await readPack(settings.scriptsPath), deps))
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await deps.metrics.text(await measureNow(deps))
    return reply.type(contentType).send(text)
  })
  server.post('/backup', (request, reply) => start('backup', request.body, reply, deps))
  server.put('/restore', (request, reply) => start('restore', request.body, reply, deps))
  for (const kind of ['backup', 'restore'] as const) {
    server.get<{ Params: { id: string } }>(`/${kind}/:id`, async (request, reply) => {
      const job = deps.registry.find({ kind, id: request.params.id })
      return job === undefined ? reply.code(404).send() : reply.send(jobAnswer(await deps.registry.fullRecord(job)))
    })
    server.delete(`/${kind}`, (request, reply) => remove(kind, request.body, reply, deps))
  }
  return server
}

/** Callers without a certificate of the CA are not let in, where there is one. */
const tlsOptions = (tls: TlsFiles) => ({
  ...tls,
  minVersion: 'TLSv1.2' as const,
  ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
})

async function measureNow({ registry, settings }: JobDependencies): Promise<MeasuredNow> {
  const running = registry.running()
  const count = (kind: RunKind) => running.filter(({ record }) => record.request.kind === kind).length
  return {
    running: { backup: count('backup'), restore: count('restore') },
    limit: settings.maxJobs,
    freeDiskBytes: await freeDisk(settings),
  }
}

const unauthorised = (reply: FastifyReply) =>
  reply
    .code(401)
    .header('www-authenticate', 'Basic realm="backup agent", charset="UTF-8"')
    .send({ message: 'Unauthorised.' })

const refuse = (reply: FastifyReply, kind: RunKind, problem: string) =>
  reply.code(400).send(failureAnswer(kind, 'Body Deserialization', problem))

/** Starts a job, or says why not, in the published order of checks. */
async function start(kind: RunKind, text: unknown, reply: FastifyReply, deps: JobDependencies): Promise<FastifyReply> {
  const { settings, registry, now } = deps
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.error)
  const { id = '' } = body.value
  const wrongId = idProblem(id, reservedIds(settings))
  if (wrongId !== undefined) return refuse(reply, kind, wrongId)
  const known = registry.find({ kind, id })
  if (known !== undefined) return reply.code(409).send(jobAnswer(await registry.fullRecord(known)))

  const pack = await readPack(settings.scriptsPath)
  if (!pack.ok) return reply.code(500).send(failureAnswer(kind, 'Script Pack', pack.error))
  const { form } = pack.value
  const request = await checkRequest(kind, id, body.value, { form, settings, now: now() })
  if (!request.ok) return refuse(reply, kind, request.error)

  const reservation = registry.reserve(request.value, form, now())
  switch (reservation.result) {
    case 'known':
      return reply.code(409).send(jobAnswer(await registry.fullRecord(reservation.job)))
    case 'full':
      return notStarted(
        reply.code(429),
        `Starting a new job would break the limit of ${settings.maxJobs} running jobs.`,
      )
    case 'closed':
      return notStarted(reply.code(503).header('retry-after', RETRY_AFTER_SECONDS), closures[reservation.closure])
    case 'started': {
      const { job } = reservation
      const saved = registry.save(job.record)
      // Set before anything is waited for: whoever stops the agent in this moment waits for the run too.
      job.run = saved.then(
        () => runToEnd(job, pack.value, deps),
        () => undefined,
      )
      try {
        await saved
      } catch (error) {
        registry.forget({ kind, id })
        deps.log.error({ problem: errorMessage(error), kind, job: id }, 'job not started')
        return reply
          .code(500)
          .send(failureAnswer(kind, 'Journal', `the job cannot be written down: ${errorMessage(error)}`))
      }
      return reply.code(201).send()
    }
  }
}

const closures = {
  recovering: 'The agent is finishing what a restart interrupted and starts no new jobs until then.',
  stopping: 'The agent is stopping and starts no new jobs.',
} as const satisfies Record<Closure, string>

const notStarted = (reply: FastifyReply, problem: string) =>
  reply.send({ message: 'Failed to start a new job.', state: 'Job reservation', error_message: problem })

/** Runs a job. Never rejects. */
async function runToEnd(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  try {
    // What moves bytes is loaded with the first job: most of its life an agent waits, in less memory without it.
    const { runJob } = await import('../jobs/run-job.ts')
    await runJob(job, pack, deps)
  } catch (error) {
    const { kind, id } = job.record.request
    deps.log.fatal({ problem: errorMessage(error), kind, job: id }, 'a run broke: this is a bug of the agent')
    // It must not look like one that runs for ever.
    job.record.problem ??= 'the agent could not run the job: its log says why'
    await deps.registry.settle(job, 'FAILED', deps.now()).catch(() => undefined)
  }
}

/** Deletes a job. One that runs is cancelled, and is gone when what it owes has run. */
async function remove(
  kind: RunKind,
  text: unknown,
  reply: FastifyReply,
  { registry }: JobDependencies,
): Promise<FastifyReply> {
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.error)
  const { id } = body.value
  if (id === undefined || id === '') return refuse(reply, kind, 'id is empty')
  return reply.code((await registry.discard({ kind, id })) ? 200 : 410).send()
}
