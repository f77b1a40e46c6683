import type { FailureCode } from '@osb-backup/protocol'

/**
 * Whether another attempt may succeed although nobody changed anything. Nothing is repeated that a user stopped, that only a
 * change of settings or data corrects, or that may still be running.
 */
const isTransientCode = {
  'agent-unreachable': true,
  'agent-busy': true,
  'agent-restarted': true,
  'destination-unavailable': true,
  'script-temporary': true,
  'agent-rejected': false,
  cancelled: false,
  'outcome-unknown': false,
  other: false,
} as const satisfies Record<FailureCode, boolean>

/** A wait is not doubled any further. */
const LONGEST_WAIT_MS = 6 * 3_600_000

/** An attempt of a scheduled run that failed. */
export interface FailedAttempt {
  /** 1 for the first. */
  number: number
  /** Why its parts failed. */
  failures: readonly FailureCode[]
  endedAt: Date
}

/** By what a failed attempt is followed. */
export interface RetryRules {
  /** How many attempts follow the first at most. */
  retries: number
  /** Wait before the second attempt; doubled with each further one. */
  firstWaitMs: number
  /** When the next run of the plan starts, which would take the place of an attempt; undefined: never. */
  nextRunAt: Date | undefined
}

/**
 * Decides when a failed attempt is followed by another one: if a part of it failed for a transient reason, after a wait, and
 * before the next run.
 *
 * @returns Undefined: there is no further attempt.
 */
export function nextAttemptAt(
  { number, failures, endedAt }: FailedAttempt,
  { retries, firstWaitMs, nextRunAt }: RetryRules,
): Date | undefined {
  if (number > retries || !failures.some((code) => isTransientCode[code])) return undefined
  const waitMs = Math.min(firstWaitMs * 2 ** (number - 1), Math.max(firstWaitMs, LONGEST_WAIT_MS))
  const at = new Date(endedAt.getTime() + waitMs)
  return nextRunAt !== undefined && at >= nextRunAt ? undefined : at
}
