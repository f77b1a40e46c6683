import { ApiError } from '@osb-backup/client'
import * as messages from '../messages/messages.ts'
import { ActionFailure } from './notices.tsx'

const CHANGED_MEANWHILE = 412

/** Why a form could not be saved. */
export function SaveFailure({ error }: { error: Error | null }) {
  const isConflict = error instanceof ApiError && error.status === CHANGED_MEANWHILE
  return <ActionFailure error={isConflict ? new Error(messages.shell.changedMeanwhile) : error} />
}

/** The problem of a field, of which the API names the path: `schedule.timezone` belongs to `schedule`. */
export function fieldError(error: Error | null, field: string): string | undefined {
  if (!(error instanceof ApiError) || error.field === undefined) return undefined
  return error.field === field || error.field.startsWith(`${field}.`) ? error.message : undefined
}

/** Why a field has nothing to choose from, if the manager could not be asked. */
export function choicesError(error: Error | null): string | undefined {
  return error === null ? undefined : messages.shell.choicesNotLoaded(error.message)
}
