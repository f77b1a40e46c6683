import { AsyncLocalStorage } from 'node:async_hooks'

/** What every line says that is logged while something is done. */
type LogFields = Readonly<Record<string, string>>

const storage = new AsyncLocalStorage<LogFields>()

/** Does something, and adds fields to each line that is logged meanwhile, besides those that are added already. */
export function withLogFields<T>(fields: LogFields, act: () => T): T {
  return storage.run({ ...storage.getStore(), ...fields }, act)
}

/** The fields that count now. Loggers add them to each line. */
export const logFields = (): Record<string, string> => ({ ...storage.getStore() })

/** An id that a caller gives its request, if it can be logged and sent on as it is. */
export function parseRequestId(header: unknown): string | undefined {
  return typeof header === 'string' && /^[\w.:/=+-]{1,100}$/.test(header) ? header : undefined
}
