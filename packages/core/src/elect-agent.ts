/**
 * What an agent of a cluster answered to the question how well its node suits for a job.
 * - `priority`: from 0, not at all, to 100.
 * - `database-busy`: a job at it works on the database, or has not unlocked it.
 * - `unable`: it does not answer, refuses, or its script failed.
 */
export type ElectionAnswer =
  | { result: 'priority'; priority: number; reason?: string | undefined }
  | { result: 'database-busy'; reason: string }
  | { result: 'unable'; reason: string }

/** An agent that may run a job. */
export interface Candidate {
  agentId: string
  /** How messages name it. */
  name: string
  answer: ElectionAnswer
  /** It was elected before and did not start the job: the others come first. */
  isPassedOver: boolean
  /** A job at it has locked the database, as far as is known. */
  hasLock: boolean
}

/** The agent that runs the job; or why none does now. */
export type Election =
  | { result: 'elected'; agentId: string }
  | { result: 'busy'; reason: string }
  | { result: 'none'; reason: string }

/**
 * Elects the agent of a cluster that runs a job: the one with the highest priority, of equal ones the first. No agent starts on a
 * database that another one works on or has locked; one that cannot be asked whether its lock is still held holds it.
 *
 * @param candidates - In the order of preference; not mutated.
 */
export function electAgent(candidates: readonly Candidate[]): Election {
  for (const { name, answer, hasLock } of candidates) {
    if (answer.result === 'database-busy') return { result: 'busy', reason: `${name}: ${answer.reason}` }
    if (answer.result === 'unable' && hasLock) {
      const reason = `a job at ${name} has locked the database, and its agent cannot be asked whether it still is: ${answer.reason}`
      return { result: 'none', reason }
    }
  }
  const [elected] = candidates
    .flatMap(({ agentId, answer, isPassedOver }) =>
      answer.result === 'priority' && answer.priority > 0 ? [{ agentId, isPassedOver, priority: answer.priority }] : [],
    )
    .toSorted((one, other) => Number(one.isPassedOver) - Number(other.isPassedOver) || other.priority - one.priority)
  if (elected !== undefined) return { result: 'elected', agentId: elected.agentId }
  return { result: 'none', reason: candidates.map((each) => `${each.name}: ${reasonOf(each.answer)}`).join('; ') }
}

const reasonOf = (answer: ElectionAnswer): string => answer.reason ?? 'it does not suit'
