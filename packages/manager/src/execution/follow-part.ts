import { setTimeout as delay } from 'node:timers/promises'
import type { AgentBackupRequest, AgentJob, AgentRestoreRequest, JobStatus } from '@osb-backup/protocol'
import { type AgentAnswer, forgetAtAgent, readAtAgent, startAtAgent } from '../agents/agent-client.ts'
import type { Context } from '../context/context.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/repository.ts'
import { cancellationOf } from '../jobs/cancel.ts'
import { agentJobId, type Job, type JobPart } from '../jobs/job.ts'
import { type DrivenJob, recordPart } from './record-part.ts'

const FIRST_WAIT_MS = 50
const WAIT_GROWTH = 1.5

/** A part cannot go on; the message becomes its error. */
export class PartFailure extends Error {
  override readonly name = 'PartFailure'
}

/** Agents of the old kind write `Running` for a moment. What is neither running nor succeeded has failed. */
export function statusOf(report: AgentJob): JobStatus {
  const status = report.status.toUpperCase()
  if (status === 'RUNNING' || status === 'STARTED') return 'RUNNING'
  return status === 'SUCCEEDED' ? 'SUCCEEDED' : 'FAILED'
}

/** One part at one agent, from its start to its end. */
export class PartRun {
  readonly #context: Context
  readonly #job: Job & DrivenJob
  readonly #part: JobPart
  #instance: ServiceInstance
  readonly #signal: AbortSignal
  #waitMs = FIRST_WAIT_MS
  #silentSince: Date | undefined
  #busySince: Date | undefined
  /** Set once the agent was told to cancel the part. */
  #cancelledBy: string | undefined

  constructor(context: Context, job: Job & DrivenJob, part: JobPart, instance: ServiceInstance, signal: AbortSignal) {
    this.#context = context
    this.#job = job
    this.#part = part
    this.#instance = instance
    this.#signal = signal
  }

  /**
   * Starts the part unless that was done, and looks at it until the agent says that it is over.
   *
   * @throws {PartFailure} If the agent refuses, forgets the part or stays out of reach, or somebody cancelled the job.
   */
  async follow(request: AgentBackupRequest | AgentRestoreRequest): Promise<AgentJob> {
    const { kind } = this.#job
    let { accepted } = this.#part
    for (;;) {
      const { agent } = this.#instance
      const isCancelled = await this.#isCancelled()
      const answer =
        accepted || isCancelled
          ? await readAtAgent(agent, kind, this.#agentJobId, this.#signal)
          : await startAtAgent(agent, kind, request, this.#signal)
      if (answer.kind !== 'unreachable' && answer.kind !== 'refused') this.#silentSince = undefined
      if (answer.kind === 'accepted' || answer.kind === 'job') {
        const report = answer.kind === 'job' ? answer.job : undefined
        this.#busySince = undefined
        if (report !== undefined && statusOf(report) !== 'RUNNING') return report
        if (!accepted || changed(this.#part.report, report)) await this.#record(report)
        accepted = true
        if (isCancelled) await this.#cancelAtAgent()
      } else {
        this.#judge(answer, accepted)
        await this.#readInstance()
      }
      await this.#wait()
    }
  }

  get #agentJobId(): string {
    return agentJobId(this.#job, this.#part)
  }

  async #isCancelled(): Promise<boolean> {
    this.#cancelledBy = await cancellationOf(this.#context.database, this.#job)
    return this.#cancelledBy !== undefined
  }

  /** Told again each time, until the agent has let go of the part: it may be out of reach, or restarted in between. */
  async #cancelAtAgent(): Promise<void> {
    const { agent } = this.#instance
    const answer = await forgetAtAgent(agent, this.#job.kind, this.#agentJobId, this.#signal)
    if (answer.kind === 'unreachable')
      this.#context.log.warn({ reason: answer.reason }, 'the agent was not told to cancel')
  }

  async #record(report: AgentJob | undefined): Promise<void> {
    this.#part.report = report
    const running = { status: 'RUNNING', report } as const
    await recordPart(this.#context.database, this.#job, this.#part.position, running, this.#context.now())
  }

  /** Somebody may correct its URL or credentials meanwhile. */
  async #readInstance(): Promise<void> {
    this.#instance = (await findInstance(this.#context, this.#job.instanceId)) ?? this.#instance
  }

  /** Decides whether an answer that brings nothing forward ends the part. */
  #judge(answer: Exclude<AgentAnswer, { kind: 'accepted' | 'job' }>, accepted: boolean): void {
    const at = `The agent at ${this.#instance.agent.url}`
    switch (answer.kind) {
      case 'busy': {
        this.#busySince ??= this.#context.now()
        const limit = this.#context.settings.agentBusySeconds
        if (!this.#isOverdue(this.#busySince, limit)) return
        throw new PartFailure(`${at} had no place for the job for ${limit} seconds: ${answer.reason}.`)
      }
      case 'unknown':
        if (this.#cancelledBy !== undefined) throw new PartFailure(`Cancelled by ${this.#cancelledBy}.`)
        if (!accepted) throw new PartFailure(`${at} does not take jobs: check agent.url of the service instance.`)
        throw new PartFailure(
          `${at} does not know the job any more: it lost its state, so how the job ended is not known.`,
        )
      case 'refused':
        if (!accepted) throw new PartFailure(`${at} refused the job: ${answer.reason}.`)
        // The part runs already, and goes on whatever the agent thinks of us now.
        this.#judgeSilence(at, answer.reason)
        return
      case 'unreachable':
        this.#judgeSilence(at, answer.reason)
    }
  }

  #judgeSilence(at: string, reason: string): void {
    this.#silentSince ??= this.#context.now()
    const limit = this.#context.settings.agentUnreachableSeconds
    if (!this.#isOverdue(this.#silentSince, limit)) return
    throw new PartFailure(
      `${at} could not be reached for ${limit} seconds (${reason}): check that it runs and that agent.url of the service instance is right.`,
    )
  }

  #isOverdue(since: Date, limitSeconds: number): boolean {
    return this.#context.now().getTime() - since.getTime() >= limitSeconds * 1000
  }

  async #wait(): Promise<void> {
    await delay(this.#waitMs, undefined, { signal: this.#signal })
    this.#waitMs = Math.min(this.#waitMs * WAIT_GROWTH, this.#context.settings.agentPollMs)
  }
}

function changed(before: AgentJob | undefined, after: AgentJob | undefined): boolean {
  return JSON.stringify(before) !== JSON.stringify(after)
}
