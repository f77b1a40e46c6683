import { isForbiddenVariable } from '@osb-backup/protocol'
import type { ScriptParameters } from '../jobs/job.ts'

/** The longest name of an environment variable that agents accept. */
const MAX_NAME_LENGTH = 255

/**
 * The parameters of an instance as agents read them, which is flat: a nested one is named by its path,
 * `postgres: {max_connections}` as `postgres_max_connections`. Brokers set them for their own use, so what has no flat form (null,
 * an empty object) is left out, and so is what would take over the scripts. What client programs read (`PGPORT`) is sent: without
 * it a script would back up another database than the one that is meant, so the agent permits it or fails the job.
 *
 * @param ofJob - Those that the request for this job gave: they come first, and are sent as they are.
 */
export function parametersToWire(
  ofInstance: Readonly<Record<string, unknown>>,
  ofJob: ScriptParameters,
): Record<string, ScriptParameters[string]>[] {
  const flat = flatten('', ofInstance).filter(([name]) => name.length <= MAX_NAME_LENGTH && !isForbiddenVariable(name))
  // A parameter that is named like the path of a nested one counts.
  const parameters = { ...Object.fromEntries(flat.toReversed()), ...ofJob }
  return Object.entries(parameters).map(([name, value]) => ({ [name]: value }))
}

type Flat = [string, ScriptParameters[string]]

function flatten(path: string, values: object): Flat[] {
  const named = Object.entries(values).map(([name, value]: [string, unknown]) => {
    const variable = variableName(name)
    return { name: path === '' ? variable : `${path}_${variable}`, value }
  })
  const flat = named.flatMap(({ name, value }): Flat[] =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : [],
  )
  const nested = named.flatMap(({ name, value }) =>
    typeof value === 'object' && value !== null ? flatten(name, value) : [],
  )
  return [...flat.filter(([name]) => name !== ''), ...nested]
}

/** Dots separate nested names in the catalogs of some brokers; the others cannot be in the name of a variable. */
const variableName = (name: string): string => name.replaceAll(/[.=\p{Cc}]/gu, '_')
