import type { z } from 'zod'
import { SettingError } from './setting-error.ts'

/** The variables of these names that are set. An empty one counts as absent. */
export function givenVariables(
  docs: readonly { name: string }[],
  environment: NodeJS.ProcessEnv,
): Record<string, string | undefined> {
  return Object.fromEntries(docs.flatMap(({ name }) => (environment[name] ? [[name, environment[name]]] : [])))
}

/** Reads variables by a schema. @throws {SettingError} Naming the first that cannot be used, and never its value. */
export function readVariables<T extends z.ZodType>(schema: T, given: Record<string, string | undefined>): z.output<T> {
  const read = schema.safeParse(given)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new SettingError(`${issue?.path.join('.')} ${issue?.message}.`)
}
