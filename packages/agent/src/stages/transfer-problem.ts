import { errorMessage } from '@osb-backup/node'
import { ContentError } from '@osb-backup/storage'

/** Describes why a transfer failed. `what` begins the sentence: "the upload". */
export function transferProblem(what: string, error: unknown, timeLimitMs: number): string {
  if (error instanceof Error && error.name === 'AbortError') return `${what} was stopped because the job was cancelled`
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `${what} exceeded the stage's time limit of ${timeLimitMs / 1000} s`
  }
  if (error instanceof ContentError && (error.code === 'corrupt' || error.code === 'mismatch')) {
    return `${what} failed, the object is corrupt: ${error.message}`
  }
  return `${what} failed: ${errorMessage(error)}`
}
