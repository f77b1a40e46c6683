import type { AgentAnswer } from '../agents/agent-answer.ts'
import type { Context } from '../context/context.ts'
import { findInstance } from '../instances/service.ts'
import { movePart } from '../jobs/begin-part.ts'
import type { JobAtAgent, PartAtAgent, ReservedPlace } from '../jobs/job.ts'
import { type AgentContact, PartFailure } from './agent-contact.ts'
import { electPlace } from './elect-agent.ts'
import type { PartToRun } from './part-request.ts'

/** Finds the agent of a cluster that runs a part, before anything of it was started. */
export class PartElection {
  readonly #context: Context
  readonly #part: Omit<PartToRun, 'begun'>
  readonly #contact: AgentContact
  /** The agents that were elected and did not start the part. */
  readonly #passedOver = new Set<string>()
  #agentIds: ReadonlySet<string> = new Set()

  constructor(context: Context, part: Omit<PartToRun, 'begun'>, contact: AgentContact) {
    this.#context = context
    this.#part = part
    this.#contact = contact
  }

  /**
   * Elects an agent, and moves the part to it.
   *
   * @returns Where the part is now; undefined: no agent can run it at the moment.
   * @throws {PartFailure} If none could for as long as the limit.
   * @throws {JobLockLost} If another manager has the job locked.
   */
  async elect(): Promise<ReservedPlace | undefined> {
    const { job, part, lock, signal } = this.#part
    const instance = await findInstance(this.#context, job.instanceId)
    if (instance === undefined) throw new PartFailure('other', 'The service instance is no longer registered.')
    this.#agentIds = new Set([instance.agent.id, ...instance.otherAgents.map(({ agentId }) => agentId)])
    const question = { ...wantedFor(job, part), passedOver: this.#passedOver }
    const election = await electPlace(this.#context, instance, question, signal)
    if (election.result !== 'elected') {
      this.#context.log.debug({ reason: election.reason }, 'no agent can run the part now')
      await this.#contact.judgeElection(election.result === 'busy' ? 'busy' : 'unreachable', election.reason)
      return undefined
    }
    const place = await movePart(this.#context, lock, part.position, election.place)
    if (place === undefined) await this.#contact.judgeElection('busy', 'another job works on the database there')
    else this.#context.log.debug({ agentId: place.agentId }, 'agent elected')
    return place
  }

  /**
   * Whether the others are tried before an agent that did not start the part is asked again. Not where it does not because a job of
   * its works on the database: that is waited for.
   */
  passOver(agentId: string, answer: AgentAnswer): boolean {
    const isTriedElsewhere =
      answer.kind === 'refused' ||
      answer.kind === 'unreachable' ||
      (answer.kind === 'busy' && answer.code !== 'database_busy')
    if (!isTriedElsewhere || this.#passedOver.has(agentId)) return false
    this.#passedOver.add(agentId)
    if (!this.#agentIds.isSubsetOf(this.#passedOver)) return true
    // None is left: what this one answered counts, and the next round begins with all.
    this.#passedOver.clear()
    return false
  }
}

function wantedFor(job: JobAtAgent, { position, item }: PartAtAgent) {
  if (job.kind === 'backup') return { kind: job.kind, database: item }
  const database = job.parts.find((each) => each.position === position)?.database ?? item
  return { kind: job.kind, database, parameters: job.parameters }
}
