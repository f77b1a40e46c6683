import type { RunKind } from '@osb-backup/core'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { messageOf } from '../checked.ts'
import type { HeldJob } from '../jobs/job-registry.ts'
import { type RunTools, runJob } from '../jobs/run-job.ts'
import { readPack, type ScriptPack } from '../scripts/script-pack.ts'
import { basicAuth } from './basic-auth.ts'
import { checkRequest, idProblem } from './check-request.ts'
import { failureAnswer, jobAnswer } from './job-answer.ts'
import { readBody } from './read-body.ts'
import { statusAnswer } from './status-answer.ts'

/** The largest request that is read, in bytes. Real ones are a few kilobytes. */
const MAX_BODY_BYTES = 1024 * 1024

/** Builds the agent's HTTP server; it does not listen yet. */
export function buildServer(tools: RunTools): FastifyInstance {
  const { settings } = tools
  const letsIn = basicAuth(settings.username, settings.password)
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
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
  server.addHook('onRequest', async (request, reply) => {
    if (!letsIn(request.headers.authorization)) return unauthorised(reply)
  })
  // Whatever content type a client names, the body is JSON; read here, so that a bad one gets the published answer.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  server.setNotFoundHandler((_request, reply) => reply.code(404).send())
  server.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const code = error.statusCode ?? 500
    if (code >= 500) tools.log.error({ problem: error.message, method: request.method }, 'request failed')
    const kind: RunKind = request.url.startsWith('/restore') ? 'restore' : 'backup'
    return reply.code(code).send(failureAnswer(kind, 'Body Deserialization', error.message))
  })

  server.get('/status', async () => statusAnswer(await readPack(settings.scriptsPath)))
  server.post('/backup', (request, reply) => start('backup', request.body, reply, tools))
  server.put('/restore', (request, reply) => start('restore', request.body, reply, tools))
  for (const kind of ['backup', 'restore'] as const) {
    server.get<{ Params: { id: string } }>(`/${kind}/:id`, (request, reply) => {
      const job = tools.registry.find({ kind, id: request.params.id })
      return job === undefined ? reply.code(404).send() : reply.send(jobAnswer(job.record))
    })
    server.delete(`/${kind}`, (request, reply) => remove(kind, request.body, reply, tools))
  }
  return server
}

const unauthorised = (reply: FastifyReply) =>
  reply
    .code(401)
    .header('www-authenticate', 'Basic realm="backup agent", charset="UTF-8"')
    .send({ message: 'Unauthorised.' })

const refuse = (reply: FastifyReply, kind: RunKind, problem: string) =>
  reply.code(400).send(failureAnswer(kind, 'Body Deserialization', problem))

/** Starts a job, or says why not, in the published order of checks. */
async function start(kind: RunKind, text: unknown, reply: FastifyReply, tools: RunTools): Promise<FastifyReply> {
  const { settings, registry, now } = tools
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.problem)
  const { id = '' } = body.value
  const wrongId = idProblem(id)
  if (wrongId !== undefined) return refuse(reply, kind, wrongId)
  const known = registry.find({ kind, id })
  if (known !== undefined) return reply.code(409).send(jobAnswer(known.record))

  const pack = await readPack(settings.scriptsPath)
  if (!pack.ok) return reply.code(500).send(failureAnswer(kind, 'Script Pack', pack.problem))
  const { form } = pack.value
  const request = await checkRequest(kind, id, body.value, { form, fileRoot: settings.fileDestinationRoot, now: now() })
  if (!request.ok) return refuse(reply, kind, request.problem)

  const reservation = registry.reserve(request.value, form, now())
  switch (reservation.result) {
    case 'known':
      return reply.code(409).send(jobAnswer(reservation.job.record))
    case 'full':
      return reply.code(429).send({
        message: 'Failed to start a new job.',
        state: 'Job reservation',
        error_message: registry.isClosed
          ? 'The agent is stopping and starts no new jobs.'
          : `Starting a new job would break the limit of ${settings.maxJobs} running jobs.`,
      })
    case 'started': {
      const { job } = reservation
      const accepted = registry.save(job.record)
      job.run = accepted.then(() => runToEnd(job, pack.value, tools))
      await accepted
      return reply.code(201).send()
    }
  }
}

/** Runs a job, and removes it at its end if it was deleted meanwhile. Never rejects. */
async function runToEnd(job: HeldJob, pack: ScriptPack, tools: RunTools): Promise<void> {
  const { kind, id } = job.record.request
  try {
    await runJob(job, pack, tools)
    tools.registry.settle({ kind, id })
  } catch (error) {
    tools.log.fatal({ problem: messageOf(error), kind, job: id }, 'a run broke: this is a bug of the agent')
  }
}

/** Deletes a job. One that runs is cancelled, and is gone when what it owes has run. */
function remove(kind: RunKind, text: unknown, reply: FastifyReply, { registry }: RunTools): FastifyReply {
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.problem)
  const { id } = body.value
  if (id === undefined || id === '') return refuse(reply, kind, 'id is empty')
  return reply.code(registry.discard({ kind, id }) ? 200 : 410).send()
}
