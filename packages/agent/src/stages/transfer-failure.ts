import { errorMessage } from '@osb-backup/node'
import type { AgentFailureCode } from '@osb-backup/protocol'
import { ContentError, failureCodeOf, StoreError } from '@osb-backup/storage'

/** How a transfer failed: in words, of which `what` are the first ("the upload"), and the code for programs. */
export function transferFailure(
  what: string,
  error: unknown,
  timeLimitMs: number,
): { problem: string; failureCode?: AgentFailureCode } {
  const problem = describeTransferFailure(what, error, timeLimitMs)
  const failureCode = error instanceof StoreError ? failureCodeOf(error) : undefined
  return { problem, ...(failureCode === undefined ? {} : { failureCode }) }
}

function describeTransferFailure(what: string, error: unknown, timeLimitMs: number): string {
  if (error instanceof Error && error.name === 'AbortError') return `${what} was stopped because the job was cancelled`
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `${what} exceeded the stage's time limit of ${timeLimitMs / 1000} s`
  }
  if (error instanceof ContentError && (error.code === 'corrupt' || error.code === 'mismatch')) {
    return `${what} failed, the object is corrupt: ${error.message}`
  }
  return `${what} failed: ${errorMessage(error)}`
}
