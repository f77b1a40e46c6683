import { err, ok, type Result, type RunKind } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import {
  type AgentBackupRequest,
  type AgentDatabase,
  type AgentRestoreRequest,
  agentBackupRequestSchema,
  agentDatabaseSchema,
  agentDestinationSchema,
  agentRestoreRequestSchema,
} from '@osb-backup/protocol'
import { stores } from '@osb-backup/storage/kinds'
import { z } from 'zod'

/** The body of a backup or restore request in one shape; only the types are validated. */
export type RequestBody = Omit<AgentBackupRequest, 'backup'> &
  Pick<AgentRestoreRequest, 'drill'> & { database?: AgentDatabase; keep_result?: boolean }

/** A destination with the fields of every kind of store. */
const destinationSchema = z.object({
  ...Object.assign({}, ...stores.kinds.map(({ agent }) => agent.fields)),
  ...agentDestinationSchema.shape,
})
/** Of a request to delete a job: one that runs is cancelled, and its result is kept. */
const keep_result = z.boolean().optional()
const requestSchemas = {
  backup: agentBackupRequestSchema.extend({ destination: destinationSchema.optional(), keep_result }),
  restore: agentRestoreRequestSchema.extend({ destination: destinationSchema.optional(), keep_result }),
}

/** A number as it was written, so that 1000000 does not become 1e+06 on its way to a script. */
class WrittenNumber {
  readonly written: string
  constructor(written: string) {
    this.written = written
  }
}

type Source = { source?: string }

function parseJson(text: string): unknown {
  return JSON.parse(text, function keepNumbers(_key: string, value: unknown, context?: Source) {
    return typeof value === 'number' ? new WrittenNumber(context?.source ?? String(value)) : value
  } as (key: string, value: unknown) => unknown)
}

/** Restores every number, as a number or as it was written. */
function withNumbers(value: unknown, form: 'value' | 'written'): unknown {
  if (value instanceof WrittenNumber) return form === 'written' ? value.written : Number(value.written)
  if (Array.isArray(value)) return value.map((each) => withNumbers(each, form))
  if (typeof value !== 'object' || value === null) return value
  // With a null prototype a key named __proto__ is an ordinary one.
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, each] of Object.entries(value)) copy[key] = withNumbers(each, form)
  return copy
}

/**
 * Picks the known keys of an object, ignoring case; null counts as absent. Anything else is returned for the schema to
 * reject.
 */
function known(value: unknown, shape: Record<string, unknown>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof WrittenNumber) {
    return withNumbers(value, 'value')
  }
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
  const copy: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) {
    const name = names.get(key.toLowerCase())
    if (name !== undefined && each !== null) copy[name] = each
  }
  return copy
}

function readDatabase(value: unknown): unknown {
  const database = known(value, { ...agentDatabaseSchema.shape, user: undefined })
  if (typeof database !== 'object' || database === null || Array.isArray(database)) return database
  // The Go agent's README uses this name, and clients follow it.
  if ('user' in database && !('username' in database)) Object.assign(database, { username: database.user })
  return Object.fromEntries(
    Object.entries(database).map(([name, each]) => [
      name,
      withNumbers(each, name === 'parameters' ? 'written' : 'value'),
    ]),
  )
}

/** Parses the text of a request: JSON with keys in any case; unknown keys are ignored and no types are coerced. */
export function readBody(kind: RunKind, text: string): Result<RequestBody> {
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    // The engine's own message quotes the text, and so perhaps a password.
    const at = /position \d+/.exec(errorMessage(error))?.[0]
    return err(`the body is not valid JSON${at === undefined ? '' : ` at ${at}`}`)
  }
  const schema = requestSchemas[kind]
  const body = known(json, schema.shape)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    const fields = body as Record<string, unknown>
    for (const [name, each] of Object.entries(fields)) {
      if (name === 'destination') fields[name] = withNumbers(known(each, destinationSchema.shape), 'value')
      else if (name === kind) fields[name] = readDatabase(each)
      else fields[name] = withNumbers(each, 'value')
    }
  }
  const result = schema.safeParse(body)
  if (!result.success) {
    const [issue] = result.error.issues
    const path = issue?.path.join('.')
    return err(`${path ? `field ${path}` : 'the body'} has the wrong type: ${issue?.message ?? ''}`)
  }
  const { backup, restore, ...rest } = result.data as AgentBackupRequest & AgentRestoreRequest
  const database = backup ?? restore
  return ok({ ...rest, ...(database && { database }) })
}
