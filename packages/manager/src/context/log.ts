import { destination, type Logger, pino } from 'pino'

/**
 * Creates the manager's log: JSON lines on standard output, or on standard error where the output is a command's answer. Of
 * an error only type, message, code and stack are written, since libraries attach connections and requests, with
 * credentials, to theirs.
 */
export function createLog(level: string, stream: 'output' | 'error' = 'output'): Logger {
  const options = { level, base: null, serializers: { err: describeError } }
  return pino(options, destination({ fd: stream === 'output' ? 1 : 2, sync: true }))
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : describeError(cause) }
}
