import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentSetback, decideSetback } from '@osb-backup/core'
import type { FailureCode } from '@osb-backup/protocol'
import type { AgentAnswer } from '../agents/agent-client.ts'
import type { Context } from '../context/context.ts'
import { clearSetbacks, type LimitedSetback, type LockedPart, recordSetback } from '../jobs/setbacks-repository.ts'

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
  /** The part began at another URL. */
  isElsewhere: boolean
  cancelledBy: string | undefined
}

/** An agent that takes longer to answer is recorded as unreachable, so that the limit counts also if this manager dies meanwhile. */
const SLOW_ANSWER_MS = 2000

const setbacks = {
  unknown: 'not-known',
  refused: 'refused',
  busy: 'busy',
  unreachable: 'unreachable',
} as const satisfies Record<Setback['kind'], AgentSetback>

/**
 * The contact of a part with its agent: for how long the agent has been busy or unreachable, over all managers, and what that
 * means for the part.
 */
export class AgentContact {
  readonly #context: Pick<Context, 'settings' | 'database'>
  readonly #part: LockedPart
  #mayHaveStarted: boolean
  #mayHaveSetbacks: boolean

  /** @param isResumed - The part began before: a request to start it may have reached its agent, and setbacks may be recorded. */
  constructor(context: Pick<Context, 'settings' | 'database'>, part: LockedPart, isResumed: boolean) {
    this.#context = context
    this.#part = part
    this.#mayHaveStarted = isResumed
    this.#mayHaveSetbacks = isResumed
  }

  /**
   * Calls the agent, and records that it has answered, or does not.
   *
   * @throws {JobLockLost} If another manager has the job locked.
   */
  async call(purpose: 'start' | 'read', act: () => Promise<AgentAnswer>): Promise<AgentAnswer> {
    const answered = new AbortController()
    const pending = act()
    const slow = sleep(SLOW_ANSWER_MS, 'slow' as const, { signal: answered.signal }).catch(() => 'answered' as const)
    if ((await Promise.race([pending, slow])) === 'slow') await this.#record('unreachable', SLOW_ANSWER_MS)
    answered.abort()
    const answer = await pending
    if (purpose === 'start' && answer.kind === 'unreachable' && answer.mayHaveArrived) this.#mayHaveStarted = true
    if (answer.kind === 'accepted' || answer.kind === 'job') await this.#clear()
    return answer
  }

  /**
   * Decides what a setback means for the part.
   *
   * @returns Why the outcome of the part is unknown; undefined: the agent is asked again.
   * @throws {PartFailure} If the part fails.
   */
  async judge(
    answer: Setback,
    { agentUrl, accepted, isElsewhere, cancelledBy }: PartState,
  ): Promise<string | undefined> {
    const agent = `The agent at ${agentUrl}`
    const unknown = isElsewhere ? 'it does not know the job, which began at another URL' : 'it does not know the job'
    const reason = 'reason' in answer ? answer.reason : unknown
    const limited: LimitedSetback = answer.kind === 'busy' ? 'busy' : 'unreachable'
    const { agentBusySeconds, agentUnreachableSeconds } = this.#context.settings
    const limitSeconds = limited === 'busy' ? agentBusySeconds : agentUnreachableSeconds
    const context = {
      setback: setbacks[answer.kind],
      isAccepted: accepted,
      mayHaveStarted: accepted || this.#mayHaveStarted,
      isElsewhere,
      isCancelled: cancelledBy !== undefined,
    }
    const atOnce = decideSetback({ ...context, isOverdue: false })
    const forMs = atOnce === 'retry' ? (await this.#record(limited, 0)).forMs : 0
    const decision = decideSetback({ ...context, isOverdue: forMs >= limitSeconds * 1000 })
    if (decision === 'retry') return undefined
    if (decision === 'unknown') {
      const what =
        limited === 'busy'
          ? `has been busy for ${limitSeconds} seconds`
          : `has not answered for ${limitSeconds} seconds`
      return `${agent} ${what} (${reason}), so it is not known how the job ends there. It is followed when the agent answers again.`
    }
    throw failureOf(answer, { agent, accepted, cancelledBy, limitSeconds })
  }

  async #record(setback: LimitedSetback, agoMs: number): Promise<{ forMs: number }> {
    this.#mayHaveSetbacks = true
    return recordSetback(this.#context, this.#part, setback, agoMs)
  }

  async #clear(): Promise<void> {
    if (!this.#mayHaveSetbacks) return
    await clearSetbacks(this.#context, this.#part)
    this.#mayHaveSetbacks = false
  }
}

function failureOf(
  answer: Setback,
  {
    agent,
    accepted,
    cancelledBy,
    limitSeconds,
  }: { agent: string; accepted: boolean; cancelledBy: string | undefined; limitSeconds: number },
): PartFailure {
  // Not accepted: nothing of it may have started.
  if (cancelledBy !== undefined && !accepted) return new PartFailure('cancelled', `Cancelled by ${cancelledBy}.`)
  switch (answer.kind) {
    case 'busy':
      return new PartFailure('agent-busy', `${agent} was busy for ${limitSeconds} seconds: ${answer.reason}.`)
    case 'unknown':
      if (cancelledBy !== undefined) return new PartFailure('cancelled', `Cancelled by ${cancelledBy}.`)
      return accepted
        ? new PartFailure(
            'outcome-unknown',
            `${agent} does not know the job: it never got it, or lost its state, so how the job ended is not known.`,
          )
        : new PartFailure('agent-rejected', `${agent} does not take jobs: check agent.url of the service instance.`)
    case 'refused':
      return new PartFailure('agent-rejected', `${agent} refused the job: ${answer.reason}.`)
    case 'unreachable':
      return new PartFailure(
        'agent-unreachable',
        `${agent} could not be reached for ${limitSeconds} seconds (${answer.reason}): check that it runs and that agent.url of the service instance is right.`,
      )
  }
}
