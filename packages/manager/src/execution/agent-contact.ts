import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentSetback, decideSetback } from '@osb-backup/core'
import type { FailureCode } from '@osb-backup/protocol'
import type { AgentAnswer } from '../agents/agent-answer.ts'
import type { Context } from '../context/context.ts'
import type { BegunPart } from '../jobs/job.ts'
import {
  clearSetbacks,
  type LimitedSetback,
  type LockedPart,
  recordSetback,
  setMayHaveStarted,
} from '../jobs/setbacks-repository.ts'

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
  /** Whether the agent was asked about the part, and not to start it. */
  isAsked: boolean
  /** The part began at another URL. */
  isElsewhere: boolean
  cancelledBy: string | undefined
}

/** An agent that takes longer to answer is recorded as unreachable, so that the limit counts also if this manager dies meanwhile. */
const SLOW_ANSWER_MS = 2000

const setbacks = {
  unknown: 'not-known',
  gone: 'gone',
  refused: 'refused',
  busy: 'busy',
  unreachable: 'unreachable',
} as const satisfies Record<Setback['kind'], AgentSetback>

/**
 * The contact of a part with its agent: whether a request to start it may have arrived, for how long the agent has been busy or
 * unreachable, both over all managers, and what that means for the part.
 */
export class AgentContact {
  readonly #context: Pick<Context, 'settings' | 'database'>
  readonly #part: LockedPart
  #mayHaveStarted: boolean
  #mayHaveSetbacks: boolean

  constructor(
    context: Pick<Context, 'settings' | 'database'>,
    part: LockedPart,
    begun: Pick<BegunPart, 'mayHaveStarted' | 'isAccepted' | 'hasSetbacks'>,
  ) {
    this.#context = context
    this.#part = part
    this.#mayHaveStarted = begun.mayHaveStarted || begun.isAccepted
    this.#mayHaveSetbacks = begun.hasSetbacks
  }

  /** Whether a request to start the part may have reached its agent. */
  get mayHaveStarted(): boolean {
    return this.#mayHaveStarted
  }

  /**
   * Calls the agent, and records that it has answered, or does not.
   *
   * @throws {JobLockLost} If another manager has the job locked.
   */
  async call(purpose: 'start' | 'ask', act: () => Promise<AgentAnswer>): Promise<AgentAnswer> {
    if (purpose === 'ask' || this.#mayHaveStarted) return this.#call(act)
    // Recorded first: this manager may die before it learns the answer.
    await setMayHaveStarted(this.#context, this.#part, true)
    const answer = await this.#call(act)
    this.#mayHaveStarted = hasStarted(answer)
    if (!this.#mayHaveStarted) await setMayHaveStarted(this.#context, this.#part, false)
    return answer
  }

  async #call(act: () => Promise<AgentAnswer>): Promise<AgentAnswer> {
    const answered = new AbortController()
    const pending = act()
    const slow = sleep(SLOW_ANSWER_MS, 'slow' as const, { signal: answered.signal }).catch(() => 'answered' as const)
    if ((await Promise.race([pending, slow])) === 'slow') await this.#record('unreachable', SLOW_ANSWER_MS)
    answered.abort()
    const answer = await pending
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
    { agentUrl, accepted, isAsked, isElsewhere, cancelledBy }: PartState,
  ): Promise<string | undefined> {
    const agent = `The agent at ${agentUrl}`
    const unknown = isElsewhere ? 'it does not know the job, which began at another URL' : 'it does not know the job'
    const reason = 'reason' in answer ? answer.reason : unknown
    const limited: LimitedSetback = answer.kind === 'busy' ? 'busy' : 'unreachable'
    const { agentBusySeconds, agentUnreachableSeconds } = this.#context.settings
    const limitSeconds = limited === 'busy' ? agentBusySeconds : agentUnreachableSeconds
    const context = {
      setback: setbacks[answer.kind],
      isAsked,
      mayHaveStarted: this.#mayHaveStarted,
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
    throw failureOf(answer, { agent, accepted, mayHaveStarted: this.#mayHaveStarted, cancelledBy, limitSeconds })
  }

  /**
   * Decides what it means that no agent of a cluster can run the part now.
   *
   * @throws {PartFailure} If that has lasted as long as its limit.
   */
  async judgeElection(limited: LimitedSetback, reason: string): Promise<void> {
    const { agentBusySeconds, agentUnreachableSeconds } = this.#context.settings
    const limitSeconds = limited === 'busy' ? agentBusySeconds : agentUnreachableSeconds
    const { forMs } = await this.#record(limited, 0)
    if (forMs < limitSeconds * 1000) return
    const message = `No agent of the service instance could start the job for ${limitSeconds} seconds: ${reason}.`
    throw new PartFailure(limited === 'busy' ? 'agent-busy' : 'agent-unreachable', message)
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

/** Whether a request to start a part may have reached its agent, by the answer to it. */
function hasStarted(answer: AgentAnswer): boolean {
  if (answer.kind === 'unreachable' || answer.kind === 'busy') return answer.mayHaveArrived
  return answer.kind === 'accepted' || answer.kind === 'job'
}

interface FailedContact extends Pick<PartState, 'accepted' | 'cancelledBy'> {
  agent: string
  mayHaveStarted: boolean
  limitSeconds: number
}

function failureOf(
  answer: Setback,
  { agent, accepted, mayHaveStarted, cancelledBy, limitSeconds }: FailedContact,
): PartFailure {
  // Not accepted: nothing of it may have started.
  if (cancelledBy !== undefined && !accepted) return new PartFailure('cancelled', `Cancelled by ${cancelledBy}.`)
  switch (answer.kind) {
    case 'busy':
      return new PartFailure('agent-busy', `${agent} was busy for ${limitSeconds} seconds: ${answer.reason}.`)
    case 'unknown':
      if (cancelledBy !== undefined) return new PartFailure('cancelled', `Cancelled by ${cancelledBy}.`)
      if (accepted) {
        const message = `${agent} does not know the job any more: it lost its state, so how the job ended is not known.`
        return new PartFailure('outcome-unknown', message)
      }
      return mayHaveStarted
        ? new PartFailure('agent-unreachable', `${agent} did not get the request to start the job, or lost its state.`)
        : new PartFailure('agent-rejected', `${agent} does not take jobs: check agent.url of the service instance.`)
    case 'gone':
      return mayHaveStarted
        ? new PartFailure('outcome-unknown', `${agent} has deleted the job, so how it ended is not known.`)
        : new PartFailure(
            'agent-rejected',
            `${agent} does not start the job: it was cancelled or deleted there before.`,
          )
    case 'refused':
      return new PartFailure('agent-rejected', `${agent} refused the job: ${answer.reason}.`)
    case 'unreachable':
      return new PartFailure(
        'agent-unreachable',
        `${agent} could not be reached for ${limitSeconds} seconds (${answer.reason}): check that it runs and that agent.url of the service instance is right.`,
      )
  }
}
