import { setTimeout as delay } from 'node:timers/promises'
import { transformsOfName } from '@osb-backup/core'
import type { AgentBackupRequest, AgentJob, AgentRestoreRequest, JobStatus } from '@osb-backup/protocol'
import { type AgentAnswer, forgetAtAgent, readAtAgent, startAtAgent } from '../agents/agent-client.ts'
import { backupRequest, restoreRequest } from '../agents/agent-request.ts'
import type { Context } from '../context.ts'
import { destinationsById } from '../destinations/store.ts'
import { newIdentifier } from '../identifier.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/store.ts'
import { invariant } from '../invariant.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { findPoint, insertRestorePoint } from '../restore-points/store.ts'
import { agentJobId, type Job, type JobPart, prefixOfPlan } from './job.ts'
import { recordPart } from './store.ts'
import { type StoredDump, storedDump } from './stored-dump.ts'

const FIRST_WAIT_MS = 50
const WAIT_GROWTH = 1.5

/** A part cannot go on; the message becomes its error. */
class PartFailure extends Error {
  override readonly name = 'PartFailure'
}

/** Drives one part on its agent and records how it stands, until it is over. */
export async function runPart(context: Context, job: Job, part: JobPart, signal: AbortSignal): Promise<void> {
  try {
    const instance = await findInstance(context, job.instanceId)
    if (instance === undefined) throw new PartFailure('The service instance is not registered any more.')
    const request = await requestFor(context, job, part, instance)
    const report = await new PartRun(context, job, part, instance, signal).follow(request)
    await recordEnd(context, job, part, report)
    await forget(context, job, part, instance, signal)
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error
    context.log.warn({ reason: error.message }, 'a part failed')
    const failed = { status: 'FAILED', report: part.report, error: error.message } as const
    await recordPart(context.database, job.id, part.position, failed, context.now())
  }
}

async function requestFor(
  context: Context,
  job: Job,
  part: JobPart,
  instance: ServiceInstance,
): Promise<AgentBackupRequest | AgentRestoreRequest> {
  const store = (await destinationsById(context, [job.destinationId])).get(job.destinationId)?.store
  invariant(store, `job ${job.id} has a destination`)
  if (job.kind === 'backup') {
    invariant(job.planId, `backup job ${job.id} has a plan`)
    return backupRequest(job, part, job.planId, instance, store)
  }
  invariant(part.restorePointId, `part ${part.position} of restore job ${job.id} has a restore point`)
  const point = await findPoint(context, part.restorePointId)
  if (point === undefined) throw new PartFailure('The restore point was deleted.')
  return restoreRequest(job, part, point, instance, store)
}

/** One part at one agent, from its start to its end. */
class PartRun {
  readonly #context: Context
  readonly #job: Job
  readonly #part: JobPart
  readonly #instance: ServiceInstance
  readonly #signal: AbortSignal
  #waitMs = FIRST_WAIT_MS
  #silentSince: Date | undefined
  #busySince: Date | undefined

  constructor(context: Context, job: Job, part: JobPart, instance: ServiceInstance, signal: AbortSignal) {
    this.#context = context
    this.#job = job
    this.#part = part
    this.#instance = instance
    this.#signal = signal
  }

  /**
   * Starts the part unless that was done, and looks at it until the agent says that it is over.
   *
   * @throws {PartFailure} If the agent refuses, forgets the part or stays out of reach.
   */
  async follow(request: AgentBackupRequest | AgentRestoreRequest): Promise<AgentJob> {
    const { kind } = this.#job
    const { agent } = this.#instance
    const id = agentJobId(this.#job, this.#part)
    let accepted = this.#part.accepted
    for (;;) {
      const answer = accepted
        ? await readAtAgent(agent, kind, id, this.#signal)
        : await startAtAgent(agent, kind, request, this.#signal)
      if (answer.kind !== 'unreachable') this.#silentSince = undefined
      if (answer.kind === 'accepted' || answer.kind === 'job') {
        const report = answer.kind === 'job' ? answer.job : undefined
        if (report !== undefined && statusOf(report) !== 'RUNNING') return report
        if (!accepted || changed(this.#part.report, report)) await this.#record(report)
        accepted = true
      } else {
        this.#judge(answer)
      }
      await this.#wait()
    }
  }

  async #record(report: AgentJob | undefined): Promise<void> {
    this.#part.report = report
    const running = { status: 'RUNNING', report } as const
    await recordPart(this.#context.database, this.#job.id, this.#part.position, running, this.#context.now())
  }

  /** Decides whether an answer that brings nothing forward ends the part. */
  #judge(answer: Exclude<AgentAnswer, { kind: 'accepted' | 'job' }>): void {
    const at = `The agent at ${this.#instance.agent.url}`
    switch (answer.kind) {
      case 'busy': {
        this.#busySince ??= this.#context.now()
        const limit = this.#context.settings.agentBusySeconds
        if (!this.#isOverdue(this.#busySince, limit)) return
        throw new PartFailure(`${at} had no place for the job for ${limit} seconds: ${answer.reason}.`)
      }
      case 'refused':
        throw new PartFailure(`${at} refused the job: ${answer.reason}.`)
      case 'unknown':
        throw new PartFailure(
          `${at} does not know the job any more: it lost its state, so how the job ended is not known.`,
        )
      case 'unreachable': {
        this.#silentSince ??= this.#context.now()
        const limit = this.#context.settings.agentUnreachableSeconds
        if (!this.#isOverdue(this.#silentSince, limit)) return
        throw new PartFailure(
          `${at} could not be reached for ${limit} seconds (${answer.reason}): check that it runs and that agent.url of the service instance is right.`,
        )
      }
    }
  }

  #isOverdue(since: Date, limitSeconds: number): boolean {
    return this.#context.now().getTime() - since.getTime() >= limitSeconds * 1000
  }

  async #wait(): Promise<void> {
    await delay(this.#waitMs, undefined, { signal: this.#signal })
    this.#waitMs = Math.min(this.#waitMs * WAIT_GROWTH, this.#context.settings.agentPollMs)
  }
}

/** Agents of the old kind write `Running` for a moment. What is neither running nor succeeded has failed. */
function statusOf(report: AgentJob): JobStatus {
  const status = report.status.toUpperCase()
  if (status === 'RUNNING' || status === 'STARTED') return 'RUNNING'
  return status === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED'
}

function changed(before: AgentJob | undefined, after: AgentJob | undefined): boolean {
  return JSON.stringify(before) !== JSON.stringify(after)
}

/**
 * Records the end of a part. A dump that is stored whole leaves its restore point in the same transaction, also where the
 * part failed later: it may be the only copy, and somebody has to be able to remove it.
 */
async function recordEnd(context: Context, job: Job, part: JobPart, report: AgentJob): Promise<void> {
  const now = context.now()
  const status = statusOf(report)
  if (job.kind === 'restore') {
    await recordPart(context.database, job.id, part.position, { status, report }, now)
    return
  }
  part.report = report
  const stored = await storedDump(context, job, report)
  if ('missing' in stored) {
    if (status === 'SUCCEEDED') throw new PartFailure(stored.missing)
    await recordPart(context.database, job.id, part.position, { status, report }, now)
    return
  }
  const point = restorePointOf(job, part, stored, { now, afterFailure: status !== 'SUCCEEDED' })
  const end = { status, report, filename: stored.filename }
  await recordPart(context.database, job.id, part.position, end, now, (transaction) =>
    insertRestorePoint(transaction, point),
  )
}

function restorePointOf(
  job: Job,
  part: JobPart,
  { filename, sizeBytes, sha256, originalSizeBytes }: StoredDump,
  { now, afterFailure }: { now: Date; afterFailure: boolean },
): Omit<RestorePoint, 'held' | 'verification'> {
  invariant(job.planId, `backup job ${job.id} has a plan`)
  const transforms = transformsOfName(filename)
  return {
    id: newIdentifier(now),
    jobId: job.id,
    planId: job.planId,
    instanceId: job.instanceId,
    destinationId: job.destinationId,
    item: part.item,
    prefix: prefixOfPlan(job.planId),
    filename,
    sizeBytes,
    sha256,
    originalSizeBytes,
    ...transforms,
    recipients: transforms.encrypted && job.publicKey ? job.publicKey.split(/[\s,]+/).filter(Boolean) : [],
    takenAt: job.startedAt,
    afterFailure,
  }
}

/** The agent may forget a part whose result is stored. If it does not hear that, it forgets by itself one day. */
async function forget(
  context: Context,
  job: Job,
  part: JobPart,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<void> {
  const answer = await forgetAtAgent(instance.agent, job.kind, agentJobId(job, part), signal)
  if (answer.kind === 'unreachable')
    context.log.debug({ reason: answer.reason }, 'the agent was not told to forget a part')
}
