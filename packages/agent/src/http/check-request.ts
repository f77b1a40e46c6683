import { relative, sep } from 'node:path'
import { dumpName, type RunKind, transformsOfName } from '@osb-backup/core'
import { type AgentDatabase, type AgentDestination, NO_KEY } from '@osb-backup/protocol'
import { type Checked, passed, refused } from '../checked.ts'
import { isAgeIdentityList, isAgeRecipientList } from '../encryption-key.ts'
import type { DatabaseAccess, JobRequest } from '../jobs/job-request.ts'
import { readParameters } from '../scripts/parameters.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { storeSettingsOf } from './destination.ts'
import { isDestinationType, missingFields } from './missing-fields.ts'
import type { RequestBody } from './read-body.ts'
import { componentProblem, dumpNameProblem, prefixProblem, valueProblem } from './safe-text.ts'

/** Timers of Node hold 24 days at most; the setting has the same limit. */
const MAX_TIMEOUT_SECONDS = 2_000_000

/** What requests are checked against. */
export interface CheckContext {
  form: 1 | 2
  fileRoot: string | undefined
  /** Where the journal lies: no destination of type FILE may reach it. */
  stateDirectory: string
  now: Date
}

/** What is wrong with the id of a request, the first thing that is looked at. */
export function idProblem(id: string | undefined, reserved: ReadonlySet<string>): string | undefined {
  if (id === undefined || id === '') return 'id is empty'
  if (reserved.has(id)) return `id must not be "${id}", which is a directory of the agent`
  return componentProblem('id', id)
}

/** Ids whose job directory would be, or hold, the agent's own state. */
export function reservedIds(
  settings: Pick<AgentSettings, 'backupDirectory' | 'restoreDirectory' | 'stateDirectory'>,
): ReadonlySet<string> {
  const parents = [settings.backupDirectory, settings.restoreDirectory]
  return new Set(parents.map((parent) => relative(parent, settings.stateDirectory).split(sep)[0] ?? ''))
}

/**
 * Checks a request whose id is known to be good, in the published order: type, missing fields; then everything that
 * goes into paths, environments and arguments.
 */
export async function checkRequest(
  kind: RunKind,
  id: string,
  body: RequestBody,
  context: CheckContext,
): Promise<Checked<JobRequest>> {
  const destination = body.destination ?? { type: '' }
  const { type } = destination
  if (!isDestinationType(type)) return refused(`type not supported: destination.type must be S3, SWIFT or FILE`)
  const missing = missingFields(kind, type, body)
  if (missing !== undefined) return refused(missing)

  const database = databaseOf(body.database ?? {})
  const encryptionKey = body.encryption_key ?? NO_KEY
  const source = kind === 'restore' ? sourceOf(destination) : undefined
  const namePrefix = destination.filenamePrefix ?? ''
  const problem =
    databaseProblem(kind, database) ??
    prefixProblem('destination.filenamePrefix', namePrefix) ??
    dumpNameProblem(dumpName(database.host, database.name, context.now)) ??
    (source === undefined ? undefined : sourceProblem(source)) ??
    valueProblem('encryption_key', encryptionKey) ??
    (context.form === 2 ? keyProblem(encryptionKey, source?.filename) : undefined)
  if (problem !== undefined) return refused(problem)

  const seconds = body.stage_timeout_seconds
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS)) {
    return refused(`stage_timeout_seconds must be a whole number from 1 to ${MAX_TIMEOUT_SECONDS}`)
  }
  const bandwidth = destination.bandwidth_limit_bytes_per_second
  if (bandwidth !== undefined && !(Number.isFinite(bandwidth) && bandwidth >= 1)) {
    return refused('destination.bandwidth_limit_bytes_per_second must be at least 1')
  }
  const parameters = readParameters(body.database?.parameters ?? [], context.form)
  if (!parameters.ok) return parameters
  const store = await storeSettingsOf(type, destination, context)
  if (!store.ok) return store
  return passed({
    kind,
    id,
    compress: body.compression ?? false,
    encryptionKey,
    destinationType: type,
    store: store.value,
    bandwidthBytesPerSecond: destination.bandwidth_limit_bytes_per_second,
    namePrefix,
    database,
    parameters: parameters.value,
    ...(seconds === undefined ? {} : { stageTimeLimitMs: seconds * 1000 }),
    ...(source === undefined ? {} : { source }),
  })
}

function databaseOf(database: AgentDatabase): DatabaseAccess {
  const { host, port, username, password, backupUsername, backupPassword, database: name } = database
  return {
    host: host ?? '',
    ...(port === undefined ? {} : { port }),
    username: username ?? '',
    password: password ?? '',
    ...(backupUsername === undefined ? {} : { backupUsername }),
    ...(backupPassword === undefined ? {} : { backupPassword }),
    name: name ?? '',
  }
}

function databaseProblem(kind: RunKind, database: DatabaseAccess): string | undefined {
  const { host, port, username, password, backupUsername = '', backupPassword = '', name } = database
  const isPort = port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535)
  return (
    componentProblem(`${kind}.host`, host) ??
    componentProblem(`${kind}.database`, name) ??
    (username.startsWith('-') ? `${kind}.username must not begin with a dash` : undefined) ??
    valueProblem(`${kind}.username`, username) ??
    valueProblem(`${kind}.password`, password) ??
    valueProblem(`${kind}.backupUsername`, backupUsername) ??
    valueProblem(`${kind}.backupPassword`, backupPassword) ??
    (isPort ? undefined : `${kind}.port must be a whole number up to 65535`)
  )
}

type Source = NonNullable<JobRequest['source']>

function sourceOf({ filename = '', size, sha256 }: AgentDestination): Source {
  return {
    filename,
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(sha256 === undefined || sha256 === '' ? {} : { sha256: sha256.toLowerCase() }),
  }
}

function sourceProblem({ filename, sizeBytes, sha256 }: Source): string | undefined {
  const name = componentProblem('destination.filename', filename)
  if (name !== undefined) return name
  if (sizeBytes !== undefined && !(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)) {
    return 'destination.size must be a whole number of bytes'
  }
  return sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256)
    ? undefined
    : 'destination.sha256 must be 64 hexadecimal digits'
}

/** Form 2: the agent encrypts and decrypts, so it must understand the key. It never stores in clear instead. */
function keyProblem(key: string, filename: string | undefined): string | undefined {
  if (filename !== undefined) {
    return transformsOfName(filename).encrypted && !isAgeIdentityList(key)
      ? `encryption_key must be age identities (AGE-SECRET-KEY-1…): ${filename} is encrypted`
      : undefined
  }
  return key === NO_KEY || isAgeRecipientList(key)
    ? undefined
    : 'encryption_key must be "none" or age recipients (age1…): scripts of form 2 leave encryption to the agent'
}
