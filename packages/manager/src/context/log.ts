import { logFields } from '@osb-backup/node'
import { type Bindings, type ChildLoggerOptions, destination, type Logger, pino } from 'pino'

/**
 * Creates the manager's log: JSON lines on standard output, or on standard error where the output is a command's answer. Of
 * an error only type, message, code and stack are written, since libraries attach connections and requests, with
 * credentials, to theirs. Each line names the request that it was logged for, if any.
 */
export function createLog(level: string, stream: 'output' | 'error' = 'output'): Logger {
  const mixin = (_line: object, _level: number, logger: Logger) => (NAMES_REQUEST in logger ? {} : logFields())
  const options = { level, base: null, serializers: { err: describeError }, mixin }
  return pino(options, destination({ fd: stream === 'output' ? 1 : 2, sync: true }))
}

interface ChildSource {
  child(bindings: Bindings, options: ChildLoggerOptions): unknown
}

const NAMES_REQUEST = Symbol('names its request')

/** The log of one request, which names it also where the server itself logs. */
export function requestLog<L extends ChildSource>(log: L, bindings: Bindings, options: ChildLoggerOptions): L {
  return Object.assign(log.child(bindings, options) as L, { [NAMES_REQUEST]: true })
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { type: name, message, code, stack, cause: cause === undefined ? undefined : describeError(cause) }
}
