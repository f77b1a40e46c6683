/** The `code` of a system or library error, such as `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/**
 * The message of whatever was thrown. Node's error for a host that refuses on all of its addresses has no message of its
 * own, only the errors of the single attempts: those are joined then.
 */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(errorMessage).join('; ')
  return errorCode(error) ?? error.name
}
