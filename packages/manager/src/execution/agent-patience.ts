import type { FailureCode } from '@osb-backup/protocol'
import type { AgentAnswer } from '../agents/agent-client.ts'
import type { Context } from '../context/context.ts'

/** A part cannot continue; the message becomes its error. */
export class PartFailure extends Error {
  override readonly name = 'PartFailure'
  readonly code: FailureCode

  constructor(code: FailureCode, message: string) {
    super(message)
    this.code = code
  }
}

/** An answer of an agent that brings a part no further. */
export type Setback = Exclude<AgentAnswer, { kind: 'accepted' | 'job' }>

/** What is known of a part when its agent answers with a setback. */
interface PartState {
  agentUrl: string
  /** Whether the agent has accepted the part before. */
  accepted: boolean
  cancelledBy: string | undefined
}

/** Decides how long a part waits for an agent that is busy or unreachable, and when it fails. */
export class AgentPatience {
  readonly #context: Pick<Context, 'settings'>
  #unreachableSinceMs: number | undefined
  #busySinceMs: number | undefined

  constructor(context: Pick<Context, 'settings'>) {
    this.#context = context
  }

  /** To be called with each answer that reached the agent. */
  noteAnswer(answer: AgentAnswer): void {
    if (answer.kind !== 'unreachable' && answer.kind !== 'refused') this.#unreachableSinceMs = undefined
    if (answer.kind === 'accepted' || answer.kind === 'job') this.#busySinceMs = undefined
  }

  /** @throws {PartFailure} If the part fails; otherwise the agent is asked again. */
  judge(answer: Setback, { agentUrl, accepted, cancelledBy }: PartState): void {
    const agent = `The agent at ${agentUrl}`
    switch (answer.kind) {
      case 'busy': {
        this.#busySinceMs ??= performance.now()
        const limit = this.#context.settings.agentBusySeconds
        if (!this.#isOverdue(this.#busySinceMs, limit)) return
        throw new PartFailure('agent-busy', `${agent} was busy for ${limit} seconds: ${answer.reason}.`)
      }
      case 'unknown':
        if (cancelledBy !== undefined) throw new PartFailure('cancelled', `Cancelled by ${cancelledBy}.`)
        if (!accepted)
          throw new PartFailure(
            'agent-rejected',
            `${agent} does not take jobs: check agent.url of the service instance.`,
          )
        throw new PartFailure(
          'outcome-unknown',
          `${agent} no longer knows the job: it lost its state, so how the job ended is not known.`,
        )
      case 'refused':
        if (!accepted) throw new PartFailure('agent-rejected', `${agent} refused the job: ${answer.reason}.`)
        // The part runs already, and continues even if the agent refuses our credentials now.
        this.#judgeUnreachable(agent, answer.reason, accepted)
        return
      case 'unreachable':
        this.#judgeUnreachable(agent, answer.reason, accepted)
    }
  }

  #judgeUnreachable(agent: string, reason: string, accepted: boolean): void {
    this.#unreachableSinceMs ??= performance.now()
    const limit = this.#context.settings.agentUnreachableSeconds
    if (!this.#isOverdue(this.#unreachableSinceMs, limit)) return
    throw new PartFailure(
      accepted ? 'outcome-unknown' : 'agent-unreachable',
      `${agent} could not be reached for ${limit} seconds (${reason}): check that it runs and that agent.url of the service instance is right.`,
    )
  }

  #isOverdue(sinceMs: number, limitSeconds: number): boolean {
    return performance.now() - sinceMs >= limitSeconds * 1000
  }
}
