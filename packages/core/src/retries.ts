import type { FailureCode } from '@osb-backup/protocol'

/**
 * What a failure means for the run.
 * - `transient`: another attempt may succeed without any change.
 * - `permanent`: only a change of settings, scripts or data helps.
 * - `final`: there must be no other attempt: a user stopped the run, or the database may still be worked on.
 */
const meanings = {
  'agent-unreachable': 'transient',
  'agent-busy': 'transient',
  'agent-restarted': 'transient',
  'destination-unavailable': 'transient',
  'script-temporary': 'transient',
  'credhub-unavailable': 'transient',
  'agent-rejected': 'permanent',
  'destination-address': 'permanent',
  'destination-tls': 'permanent',
  'destination-protocol': 'permanent',
  'destination-clock': 'permanent',
  'destination-region': 'permanent',
  'destination-credentials': 'permanent',
  'destination-permission': 'permanent',
  'destination-missing': 'permanent',
  'destination-full': 'permanent',
  'destination-unsupported': 'permanent',
  'destination-settings': 'permanent',
  'database-busy': 'permanent',
  'item-not-granted': 'permanent',
  'credhub-rejected': 'permanent',
  other: 'permanent',
  cancelled: 'final',
  'outcome-unknown': 'final',
} as const satisfies Record<FailureCode, 'transient' | 'permanent' | 'final'>

/** A wait is not doubled any further. */
const LONGEST_WAIT_MS = 6 * 3_600_000

/** The longest wait before an attempt. */
export const longestRetryWaitMs = (firstWaitMs: number): number => Math.max(firstWaitMs, LONGEST_WAIT_MS)

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
 * Decides when a failed attempt is followed by another one: if a part of it failed for a transient reason and none for a final
 * one, after a wait, and before the next run.
 *
 * @returns Undefined: there is no further attempt.
 */
export function nextAttemptAt(
  { number, failures, endedAt }: FailedAttempt,
  { retries, firstWaitMs, nextRunAt }: RetryRules,
): Date | undefined {
  const found = new Set(failures.map((code) => meanings[code]))
  if (number > retries || !found.has('transient') || found.has('final')) return undefined
  const waitMs = Math.min(firstWaitMs * 2 ** (number - 1), longestRetryWaitMs(firstWaitMs))
  const at = new Date(endedAt.getTime() + waitMs)
  return nextRunAt !== undefined && at >= nextRunAt ? undefined : at
}
