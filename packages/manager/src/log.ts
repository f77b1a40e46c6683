import { type Logger, pino } from 'pino'

/**
 * Makes the manager's log: JSON lines on standard output. Of an error only type, message, code and stack are written,
 * since libraries hang connections and requests on theirs, credentials included.
 */
export function makeLog(level: string): Logger {
  return pino({ level, base: null, serializers: { err: describeError } })
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : describeError(cause) }
}
