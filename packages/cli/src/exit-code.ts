import { ApiError } from '@osb-backup/client'

/** The documented exit codes. */
export const exitCodes = {
  success: 0,
  failed: 1,
  usage: 2,
  partiallyFailed: 3,
  notFound: 4,
  notAllowed: 5,
  unreachable: 6,
  timedOut: 7,
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What each exit code means, for the reference. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'Success.',
  1: 'The operation failed, or the job that was waited for failed or was cancelled.',
  2: 'The command line or a file is not valid, or the manager rejected a value.',
  3: 'Some items of the job succeeded and others failed.',
  4: 'The named resource does not exist.',
  5: 'The token is missing, invalid or not permitted to do this.',
  6: 'The manager, or a server that was asked, could not be reached.',
  7: 'The time that was set by --timeout has passed and the job continues, or a sign-in was not confirmed in time.',
  130: 'Interrupted with Ctrl-C; a job that was started continues.',
}

/** A failure with a sentence for people and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  /** What to do about it, on a line of its own. */
  readonly hint: string | undefined

  constructor(message: string, options: ErrorOptions & { exitCode?: ExitCode; hint?: string | undefined } = {}) {
    super(message, options)
    this.exitCode = options.exitCode ?? exitCodes.failed
    this.hint = options.hint
  }
}

/** The command line, or a file that it names, is not valid. */
export class UsageError extends CliError {
  constructor(message: string, options: ErrorOptions & { hint?: string | undefined } = {}) {
    super(message, { ...options, exitCode: exitCodes.usage })
  }
}

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  if (error instanceof ApiError) return exitCodeOfStatus(error.status)
  return error instanceof Error && error.name === 'StoreError' ? exitCodeOfStore(error) : exitCodes.failed
}

/** The exit code of a `StoreError`, whose class is loaded with the stores only. */
function exitCodeOfStore(error: Error & { code?: unknown }): ExitCode {
  switch (error.code) {
    case 'absent':
      return exitCodes.notFound
    case 'denied':
      return exitCodes.notAllowed
    case 'temporary':
      return exitCodes.unreachable
    case 'misconfigured':
    case 'invalid-name':
      return exitCodes.usage
    default:
      return exitCodes.failed
  }
}

function exitCodeOfStatus(status: number | undefined): ExitCode {
  switch (status) {
    case undefined:
    case 502:
    case 503:
    case 504:
      return exitCodes.unreachable
    case 400:
    case 413:
    case 415:
    case 422:
      return exitCodes.usage
    case 401:
    case 403:
      return exitCodes.notAllowed
    case 404:
    case 410:
      return exitCodes.notFound
    default:
      return exitCodes.failed
  }
}
