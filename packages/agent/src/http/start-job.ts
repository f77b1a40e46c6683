import { isDeclaredItem, type RunKind } from '@osb-backup/core'
import { errorMessage, omitUndefined } from '@osb-backup/node'
import { activeTraceparent } from '@osb-backup/node/tracing'
import type { AgentRefusal } from '@osb-backup/protocol'
import type { FastifyReply } from 'fastify'
import { DescriptorReserve } from '../jobs/descriptor-reserve.ts'
import type { JobDependencies } from '../jobs/job-dependencies.ts'
import type { RegisteredJob } from '../jobs/registered-job.ts'
import type { Closure, Refusal } from '../jobs/reservation.ts'
import { isExhausted } from '../journal/space-reserve.ts'
import { findPack, type ScriptPack } from '../scripts/script-pack.ts'
import { checkRequest, idProblem, reservedIds } from './check-request.ts'
import { failureAnswer, jobAnswer } from './job-answer.ts'
import { readBody } from './read-body.ts'
import { timestamp } from './timestamp.ts'

/** The Retry-After header of an agent that accepts no new jobs at the moment. */
const RETRY_AFTER_SECONDS = 30

/** Answers that a request is not valid, in the published form. */
export const refuse = (reply: FastifyReply, kind: RunKind, problem: string) =>
  reply.code(400).send(failureAnswer(kind, 'Body Deserialization', problem))

/** Starts a job, or answers why not, with the published order of checks. */
export async function startJob(
  kind: RunKind,
  text: unknown,
  reply: FastifyReply,
  deps: JobDependencies,
): Promise<FastifyReply> {
  const { settings, registry, now } = deps
  const body = readBody(kind, String(text ?? ''))
  if (!body.ok) return refuse(reply, kind, body.error)
  const { id = '' } = body.value
  const wrongId = idProblem(id, reservedIds(settings))
  if (wrongId !== undefined) return refuse(reply, kind, wrongId)
  const known = registry.find({ kind, id })
  if (known !== undefined) return reply.code(409).send(jobAnswer(await registry.fullRecord(known)))

  const pack = await findPack(settings, body.value.pack)
  // A pack that the request names is part of the request.
  if (!pack.ok) {
    return reply.code(body.value.pack === undefined ? 500 : 400).send(failureAnswer(kind, 'Script Pack', pack.error))
  }
  const { form } = pack.value
  const request = await checkRequest(kind, id, body.value, { pack: pack.value, settings, now: now() })
  if (!request.ok) return refuse(reply, kind, request.error)

  const { name } = request.value.database
  if (settings.allowedDatabases !== undefined && !isDeclaredItem(name, settings.allowedDatabases)) {
    return reply.code(403).send(databaseNotAllowed(name))
  }

  const traced = { ...request.value, ...omitUndefined({ traceparent: activeTraceparent() }) }
  const reservation = registry.reserve(traced, form, now())
  switch (reservation.result) {
    case 'known':
      return reply.code(409).send(jobAnswer(await registry.fullRecord(reservation.job)))
    case 'cancelled':
      return refuseCancelled(reply, kind)
    case 'full':
    case 'database-busy':
    case 'closed':
      return refuseReservation(reply, reservation, deps)
    case 'started': {
      const { job } = reservation
      const prepared = registry.prepare(job, () => new DescriptorReserve())
      // Set before the first await, so that a shutdown at this moment waits for the run too.
      job.run = prepared.then(
        () => runToEnd(job, pack.value, deps),
        () => undefined,
      )
      try {
        await prepared
      } catch (error) {
        deps.log.error({ err: errorMessage(error), kind, jobId: id }, 'job not started')
        if (isExhausted(error)) return refuseForNow(reply, 429, unprepared(error))
        return reply
          .code(500)
          .send(failureAnswer(kind, 'Journal', `the job cannot be written down: ${errorMessage(error)}`))
      }
      return reply.code(201).send()
    }
  }
}

/** The request to start a job arrived after the one that cancelled or deleted it. */
const refuseCancelled = (reply: FastifyReply, kind: RunKind) =>
  reply.code(410).send(failureAnswer(kind, 'Job reservation', 'the job was cancelled or deleted, so it is not started'))

/** Answers that a job cannot be started now. */
export function refuseReservation(
  reply: FastifyReply,
  refusal: Refusal,
  { settings, registry }: Pick<JobDependencies, 'settings' | 'registry'>,
): FastifyReply {
  switch (refusal.result) {
    case 'full':
      return refuseForNow(reply, 429, {
        code: 'job_limit',
        error_message: `Starting a new job would break the limit of ${settings.maxJobs} running jobs.`,
      })
    case 'database-busy':
      return refuseForNow(reply, 429, databaseBusy(refusal.blockedBy))
    case 'closed':
      return refuseForNow(reply.header('retry-after', RETRY_AFTER_SECONDS), 503, {
        code: refusal.closure,
        error_message: closureMessage(refusal.closure, registry.startProblem),
      })
  }
}

/** Final, unlike the refusals above. */
export const databaseNotAllowed = (name: string) => ({
  message: 'Failed to start a new job.',
  state: 'Job reservation',
  code: 'database_not_allowed' satisfies AgentRefusal['code'],
  error_message: `The setting allowed_databases of this agent does not allow the database ${JSON.stringify(name)}.`,
})

const unprepared = (error: unknown) =>
  ({
    code: 'insufficient_resources',
    error_message:
      'The agent could not reserve the disk space in state_directory and the file descriptors that the job needs to unlock ' +
      `the database again: ${errorMessage(error)}.`,
  }) as const

const closures = {
  recovering: 'The agent is finishing what a restart interrupted and starts no new jobs until then.',
  stopping: 'The agent is stopping and starts no new jobs.',
  start_check_failed: 'The agent finishes earlier jobs and starts no new ones until its settings are right: ',
} as const satisfies Record<Closure, string>

const closureMessage = (closure: Closure, problem = ''): string =>
  closure === 'start_check_failed' ? closures[closure] + problem : closures[closure]

/** Answers that a job is not started now, in the published form with a code of our own. */
const refuseForNow = (
  reply: FastifyReply,
  status: 429 | 503,
  why: Required<Pick<AgentRefusal, 'code' | 'error_message'>> & Pick<AgentRefusal, 'blocking_job'>,
) => reply.code(status).send({ message: 'Failed to start a new job.', state: 'Job reservation', ...why })

function databaseBusy({ record: { request, status, lockedSince } }: RegisteredJob) {
  const { kind, id, database } = request
  const does = status === 'RUNNING' ? 'works on' : 'has not unlocked'
  return {
    code: 'database_busy',
    error_message: `The ${kind} ${id} ${does} the database ${database.name} at ${database.host}.`,
    blocking_job: { kind, id, ...(lockedSince === undefined ? {} : { locked_since: timestamp(lockedSince) }) },
  } as const
}

/** Runs a job. Never rejects. */
async function runToEnd(job: RegisteredJob, pack: ScriptPack, deps: JobDependencies): Promise<void> {
  try {
    // The code of jobs is loaded with the first job: an agent is idle most of the time, and needs less memory without
    // it.
    const { runJob } = await import('../jobs/run-job.ts')
    await runJob(job, pack, deps)
  } catch (error) {
    const { kind, id } = job.record.request
    deps.log.fatal(
      { err: errorMessage(error), kind, jobId: id },
      'a job failed unexpectedly: this is a bug of the agent',
    )
    // It must not appear to run for ever.
    job.record.problem ??= 'the agent could not run the job: its log says why'
    await deps.registry.settle(job, 'FAILED', deps.now()).catch(() => undefined)
  }
}
