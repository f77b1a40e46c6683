/**
 * An answer of an agent that brings a part no further.
 * - `not-known`: it knows no such job.
 * - `gone`: it was told before to cancel or delete the job, and does not start it.
 * - `refused`: it does not accept the request, or our credentials.
 * - `busy`: not now.
 * - `unreachable`: no answer, or none of an agent.
 */
export type AgentSetback = 'not-known' | 'gone' | 'refused' | 'busy' | 'unreachable'

/** What is known of a part when its agent answers with a setback. */
export interface SetbackContext {
  setback: AgentSetback
  /** The agent was asked about the part, and not to start it. */
  isAsked: boolean
  /** A request to start it may have reached the agent. True also if the agent has accepted it. */
  mayHaveStarted: boolean
  /** It began at another URL than the agent that answers has now, so that this may be another agent. */
  isElsewhere: boolean
  /** Its job was cancelled. */
  isCancelled: boolean
  /** The setback has lasted as long as its limit. */
  isOverdue: boolean
}

/**
 * Decides what a setback means for a part. That another agent than its own does not know it says nothing about it. A part fails
 * only where it is certain that nothing of it runs; where its agent may be working on the database, its outcome is unknown until
 * the agent answers again.
 */
export function decideSetback(context: SetbackContext): 'retry' | 'unknown' | 'fail' {
  const { isAsked, mayHaveStarted, isElsewhere, isCancelled, isOverdue } = context
  const saysNotHere = context.setback === 'not-known' || context.setback === 'gone'
  const isOtherAgent = saysNotHere && mayHaveStarted && isElsewhere
  const setback = isOtherAgent ? 'unreachable' : context.setback
  if (isCancelled && !mayHaveStarted) return 'fail'
  if (setback === 'gone' || (setback === 'not-known' && isAsked)) return 'fail'
  if (!mayHaveStarted && (setback === 'not-known' || setback === 'refused')) return 'fail'
  if (!isOverdue) return 'retry'
  return mayHaveStarted ? 'unknown' : 'fail'
}
