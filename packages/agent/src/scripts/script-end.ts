import { lastLines } from './bounded-log.ts'

/** How a script ended. Only exit status 0 is success. */
export type ScriptOutcome =
  | { kind: 'exited'; status: number }
  | { kind: 'killed'; signal: string }
  | { kind: 'timed-out'; limitMs: number }
  | { kind: 'cancelled' }
  /** The agent stopped it, because the other end of its stream had failed. */
  | { kind: 'stopped' }
  /** It exited with 0, but a process it left behind still held the dump's stream open. */
  | { kind: 'output-held' }
  | { kind: 'not-started'; problem: string }

/** A script that is over, with what it printed, bounded and masked. */
export interface ScriptEnd {
  outcome: ScriptOutcome
  stdout: string
  stderr: string
}

/** Whether a script did what it was asked for. */
export const isSuccess = (outcome: ScriptOutcome): boolean => outcome.kind === 'exited' && outcome.status === 0

/** How a script ended, in words that follow its path. */
export function describeOutcome(outcome: ScriptOutcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `exited with status ${outcome.status}`
    case 'killed':
      return `was killed by ${outcome.signal}`
    case 'timed-out':
      return `outlived its time limit of ${outcome.limitMs / 1000} s and was killed`
    case 'cancelled':
      return 'was stopped because the job was cancelled'
    case 'stopped':
      return 'was stopped'
    case 'output-held':
      return 'exited while a background process still held its standard output: the dump may be incomplete'
    case 'not-started':
      return `could not be started: ${outcome.problem}`
  }
}

/** A sentence about a script that failed, with the last it said. */
export function describeFailure(path: string, end: ScriptEnd): string {
  const said = lastLines(end.stderr) || lastLines(end.stdout)
  return `${path} ${describeOutcome(end.outcome)}${said === '' ? '' : `: ${said}`}`
}
