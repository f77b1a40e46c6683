import { DatabaseError } from 'pg'

/**
 * A statement that the database did not execute now, though it may later: it cannot be reached, accepts no writes, or another
 * transaction was in the way.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}

/** SQLSTATEs, or their classes, of refusals that have nothing to do with the statement. */
const temporary = [
  ...['08', '53', '57P', '58', '28', '3D000', '25006', '25P03', '25P04'],
  // Another transaction was in the way, or it took too long.
  ...['40', '55P03', '57014'],
]

/** An error of a connection or a statement as those above see it: a `DatabaseUnavailable`, or the error itself. */
export function toDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseUnavailable || !isTemporary(error)) return error
  return new DatabaseUnavailable(`The database cannot be used: ${error.message || codeOf(error)}`, { cause: error })
}

function isTemporary(error: Error): boolean {
  if (error instanceof DatabaseError) return temporary.some((code) => error.code?.startsWith(code))
  // Otherwise the connection failed, unless it is our own mistake.
  return !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
}

const codeOf = (error: Error) => ('code' in error ? String(error.code) : 'the connection failed')
