import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentJob, stopsScripts } from '@osb-backup/protocol'
import { normalizeAgentUrl } from '../agents/agent.ts'
import type { AgentAddress, AgentAnswer } from '../agents/agent-answer.ts'
import { cancelAtAgent, forgetAtAgent, readAtAgent, startAtAgent } from '../agents/agent-client.ts'
import { checkAgentFor } from '../agents/agent-health.ts'
import { findAgent } from '../agents/repository.ts'
import type { Context } from '../context/context.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/service.ts'
import { agentJobId, type BegunPart, type JobAtAgent, type JobLock, type PartAtAgent } from '../jobs/job.ts'
import { findCancellation } from '../jobs/state-repository.ts'
import { AgentContact, PartFailure } from './agent-contact.ts'
import { isCluster } from './elect-agent.ts'
import { PartElection } from './part-election.ts'
import { jobStatusOfAgent, PartRecorder } from './part-recorder.ts'
import { type AgentRequest, newPartRequest, type PartToRun, requireDeclaredItem } from './part-request.ts'

/** Shown while a cancelled part runs on. */
const CANNOT_STOP =
  'The job is cancelled, but this agent cannot stop a script: the part ends when its script does, and its dump is kept.'

const FIRST_WAIT_MS = 50
const WAIT_GROWTH = 1.5

/** Runs one part at its agent, from its start to its recorded end. */
export class PartRun {
  readonly #context: Context
  readonly #job: JobAtAgent
  readonly #part: PartAtAgent
  readonly #lock: JobLock
  readonly #signal: AbortSignal
  #begun: BegunPart
  readonly #contact: AgentContact
  readonly #election: PartElection
  readonly #recorder: PartRecorder
  #agentStatus: AgentJob | undefined
  #accepted: boolean
  #request: AgentRequest | undefined
  #ignoredFields = ''
  #cannotStop = false
  #waitMs = FIRST_WAIT_MS

  constructor(context: Context, { job, part, begun, lock, signal }: PartToRun) {
    this.#context = context
    this.#job = job
    this.#part = part
    this.#lock = lock
    this.#signal = signal
    this.#begun = begun
    this.#contact = new AgentContact(context, { lock, position: part.position }, begun)
    this.#election = new PartElection(context, { job, part, lock, signal }, this.#contact)
    this.#recorder = new PartRecorder(context, { job, part, begun, lock })
    this.#agentStatus = begun.agentStatus
    this.#accepted = begun.isAccepted
  }

  /**
   * Starts the part unless that was done, polls its agent until the part has ended, and records the result. A part whose agent
   * does not answer within the limit is recorded as unknown; others find out when the agent answers again.
   */
  async run(): Promise<void> {
    try {
      const instance = await this.#findInstance()
      if (instance === undefined) {
        const reason = 'The service instance is no longer registered.'
        if (this.#contact.mayHaveStarted) return await this.#recorder.recordUnknown(reason, this.#agentStatus)
        throw new PartFailure('other', reason)
      }
      // A part that its agent may know is followed to its end.
      if (!this.#contact.mayHaveStarted) await requireDeclaredItem(this.#context, instance, this.#part)
      const outcome = await this.#follow(instance)
      if ('unknown' in outcome) return await this.#recorder.recordUnknown(outcome.unknown, this.#agentStatus)
      this.#agentStatus = outcome.ended
      await this.#recorder.recordEnd(outcome.ended)
      await this.#forget(instance)
    } catch (error) {
      if (!(error instanceof PartFailure)) throw error
      this.#context.log.warn({ reason: error.message }, 'part failed')
      await this.#recorder.recordFailure(error, this.#agentStatus)
    }
  }

  /**
   * Starts the part and polls it.
   *
   * @returns How it ended; or why that is unknown.
   * @throws {PartFailure} If the agent refuses or forgets the part, cannot be reached to start it, or the job was cancelled.
   */
  async #follow(registered: ServiceInstance): Promise<{ ended: AgentJob } | { unknown: string }> {
    let instance = registered
    for (;;) {
      // Asked before each call: a manager that was suspended must not start what its successor has ended.
      const cancelledBy = await findCancellation(this.#context, this.#lock)
      const isElecting = cancelledBy === undefined && this.#canElect(instance)
      const elected = isElecting ? await this.#elect() : instance
      const outcome = elected && (await this.#proceed(elected, cancelledBy))
      if (outcome !== undefined && outcome !== 'setback') return outcome
      if (elected === undefined || outcome === 'setback') instance = await this.#refresh(instance)
      else instance = elected
      await this.#pause()
    }
  }

  /** Calls the agent once. Undefined: the part runs; `setback`: the call brought it no further, and is repeated. */
  async #proceed(
    instance: ServiceInstance,
    cancelledBy: string | undefined,
  ): Promise<{ ended: AgentJob } | { unknown: string } | 'setback' | undefined> {
    const { agent } = instance
    const request = await this.#prepareRequest(instance, cancelledBy)
    const isAsked = request === undefined
    const answer = isAsked ? await this.#ask(agent) : await this.#start(agent, request)
    if (answer.kind === 'accepted' || answer.kind === 'job') {
      const ended = await this.#recordProgress(answer.kind === 'job' ? this.#jobOf(answer) : undefined)
      if (ended !== undefined) return { ended }
      if (cancelledBy !== undefined) await this.#cancel(instance)
      return undefined
    }
    const isPassedOver = !isAsked && this.#canElect(instance) && this.#election.passOver(agent.id, answer)
    if (isPassedOver) return 'setback'
    const isElsewhere = this.#isElsewhere(agent)
    const state = { agentUrl: agent.url, accepted: this.#accepted, isAsked, isElsewhere, cancelledBy }
    const unknown = await this.#contact.judge(answer, state)
    return unknown === undefined ? 'setback' : { unknown }
  }

  async #pause(): Promise<void> {
    await sleep(this.#waitMs, undefined, { signal: this.#signal })
    this.#waitMs = Math.min(this.#waitMs * WAIT_GROWTH, this.#context.settings.agentPollMs)
  }

  /** Whether an agent of a cluster is to be elected: not once a request to start the part may have reached one. */
  #canElect(instance: ServiceInstance): boolean {
    return isCluster(instance) && !this.#contact.mayHaveStarted && !this.#begun.wasUnknown
  }

  /** Moves the part to the agent that is elected for it. Undefined: no agent can run it now. */
  async #elect(): Promise<ServiceInstance | undefined> {
    const place = await this.#election.elect()
    if (place === undefined) return undefined
    this.#begun = { ...this.#begun, place }
    this.#request = undefined
    return this.#findInstance()
  }

  /**
   * The request that starts the part.
   *
   * @returns Undefined: the agent is asked about the part instead. That includes a part whose request cannot be repeated at the moment,
   *   while an earlier one may have reached the agent.
   * @throws {PartFailure} If there is none, and nothing was started.
   */
  async #prepareRequest(instance: ServiceInstance, cancelledBy: string | undefined): Promise<AgentRequest | undefined> {
    if (this.#accepted || this.#begun.wasUnknown || cancelledBy !== undefined) return undefined
    try {
      const toRun = { job: this.#job, part: this.#part, begun: this.#begun, signal: this.#signal }
      this.#request ??= await newPartRequest(this.#context, toRun, instance)
      return this.#request
    } catch (error) {
      if (!(error instanceof PartFailure && this.#contact.mayHaveStarted)) throw error
      this.#context.log.warn({ reason: error.message }, 'a part cannot be requested again; its agent is asked about it')
      return undefined
    }
  }

  #start(agent: AgentAddress, request: AgentRequest): Promise<AgentAnswer> {
    return this.#contact.call('start', async () => {
      const problem = await checkAgentFor(agent, request, this.#callOptions)
      return problem ?? startAtAgent(agent, this.#job.kind, request, this.#callOptions)
    })
  }

  /**
   * Asks about the part. An agent that does not know it is told to cancel it before that counts: a request to start it may still be on
   * its way.
   */
  async #ask(agent: AgentAddress): Promise<AgentAnswer> {
    const { kind } = this.#job
    const id = this.#agentJobId
    const options = this.#callOptions
    const answer = await this.#contact.call('ask', () => readAtAgent(agent, kind, id, options))
    if (answer.kind !== 'unknown' || !this.#contact.mayHaveStarted || this.#isElsewhere(agent)) return answer
    return this.#contact.call('ask', () => cancelAtAgent(agent, kind, id, options))
  }

  /** Records the progress of a part that runs. Returns the agent's answer if it has ended. */
  async #recordProgress(status: AgentJob | undefined): Promise<AgentJob | undefined> {
    if (status !== undefined && jobStatusOfAgent(status) !== 'RUNNING') return status
    const isNew = !this.#accepted || JSON.stringify(this.#agentStatus) !== JSON.stringify(status)
    this.#accepted = true
    this.#agentStatus = status
    if (isNew) await this.#recorder.recordRunning(status)
    return undefined
  }

  /** An agent of another kind or version may report what is not known here: that is no reason to give a part up. */
  #jobOf({ job, ignored }: Extract<AgentAnswer, { kind: 'job' }>): AgentJob {
    const fields = ignored.join(', ')
    if (fields !== this.#ignoredFields) this.#context.log.warn({ fields }, 'fields of the agent are not as expected')
    this.#ignoredFields = fields
    return job
  }

  get #agentJobId(): string {
    return agentJobId(this.#job, this.#part)
  }

  /** The instance, with the agent that the part began at, whichever agent the instance has now. */
  async #findInstance(): Promise<ServiceInstance | undefined> {
    const instance = await findInstance(this.#context, this.#job.instanceId)
    const { agentId } = this.#begun.place
    if (instance === undefined || agentId === instance.agent.id) return instance
    return { ...instance, agent: (await findAgent(this.#context, agentId)) ?? instance.agent }
  }

  /** Whether the part began at another URL: it was corrected, or another agent answers there. */
  #isElsewhere({ url }: AgentAddress): boolean {
    return this.#begun.place.agentUrl !== normalizeAgentUrl(url)
  }

  /** The URL of its agent may have been corrected, or the credentials. */
  async #refresh(instance: ServiceInstance): Promise<ServiceInstance> {
    return (await this.#findInstance()) ?? instance
  }

  get #callOptions() {
    const { settings, agentConnections } = this.#context
    const dispatcher = agentConnections.dispatcherFor(this.#begun.place.agentId)
    return { signal: this.#signal, dispatcher, timeoutMs: settings.agentUnreachableSeconds * 1000 }
  }

  /**
   * Repeated with each poll, until the agent has ended the part: it may be unreachable, or restart in between. An agent that
   * cannot stop a script would only forget the part, which works on its database and may still store its dump: it is followed
   * to its end.
   */
  async #cancel({ agent }: ServiceInstance): Promise<void> {
    if (this.#agentStatus === undefined) return
    if (!stopsScripts(this.#agentStatus)) {
      if (!this.#cannotStop) await this.#recorder.recordRunning(this.#agentStatus, CANNOT_STOP)
      this.#cannotStop = true
      return
    }
    const answer = await cancelAtAgent(agent, this.#job.kind, this.#agentJobId, this.#callOptions)
    if (answer.kind === 'unreachable') this.#context.log.warn({ reason: answer.reason }, 'cancelling failed; retrying')
  }

  /** Tells the agent to forget a part whose result is recorded. If that fails, the agent forgets by itself later. */
  async #forget({ agent }: ServiceInstance): Promise<void> {
    const answer = await forgetAtAgent(agent, this.#job.kind, this.#agentJobId, this.#callOptions)
    if (answer.kind === 'unreachable') this.#context.log.debug({ reason: answer.reason }, 'the agent keeps a part')
  }
}
