import type { AgentFailureCode } from '@osb-backup/protocol'
import { lastLines } from './bounded-log.ts'

/** How a script ended. Only exit status 0 is success. */
export type ScriptOutcome =
  | { kind: 'exited'; status: number }
  | { kind: 'killed'; signal: string }
  | { kind: 'timed-out'; limitMs: number }
  | { kind: 'cancelled' }
  /** The agent stopped it, because the other end of its stream had failed. */
  | { kind: 'stopped' }
  /** It exited with 0, but a background process still held the dump's stream open. */
  | { kind: 'output-held' }
  /** It exited with 0, but a background process still read the dump, or had a file of the job open. */
  | { kind: 'unfinished' }
  | { kind: 'not-started'; problem: string }

/** The outcome of a script, with its output, bounded and masked. */
export interface ScriptResult {
  outcome: ScriptOutcome
  stdout: string
  stderr: string
}

/** The status with which a script asks for another attempt later: EX_TEMPFAIL of sysexits.h. */
const TEMPORARY_FAILURE = 75

/** Whether a script succeeded. */
export const isSuccess = (outcome: ScriptOutcome): boolean => outcome.kind === 'exited' && outcome.status === 0

/** Describes how a script ended; the text follows its path. */
export function describeOutcome(outcome: ScriptOutcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `exited with status ${outcome.status}`
    case 'killed':
      return `was killed by ${outcome.signal}`
    case 'timed-out':
      return `exceeded its time limit of ${outcome.limitMs / 1000} s and was killed`
    case 'cancelled':
      return 'was stopped because the job was cancelled'
    case 'stopped':
      return 'was stopped'
    case 'output-held':
      return 'exited while a background process still held its standard output: the dump may be incomplete'
    case 'unfinished':
      return 'exited while a background process still had the dump or a file of the job open: its work may be incomplete'
    case 'not-started':
      return `could not be started: ${outcome.problem}`
  }
}

/** How a script failed: in words, with its last output, and the code for programs. */
export function scriptFailure(path: string, end: ScriptResult): { problem: string; failureCode?: AgentFailureCode } {
  const { outcome } = end
  const said = lastLines(end.stderr) || lastLines(end.stdout)
  const problem = `${path} ${describeOutcome(outcome)}${said === '' ? '' : `: ${said}`}`
  const isTemporary = outcome.kind === 'exited' && outcome.status === TEMPORARY_FAILURE
  return { problem, ...(isTemporary ? { failureCode: 'script-temporary' } : {}) }
}
