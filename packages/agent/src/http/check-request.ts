import { relative, sep } from 'node:path'
import { dumpName, err, ok, type Result, type RunKind, resolveParameters } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { parameterVariable } from '@osb-backup/protocol'
import { stores } from '@osb-backup/storage/kinds'
import { z } from 'zod'
import type { JobRequest, Named } from '../jobs/job-request.ts'
import { queryIds } from '../queries/query-scripts.ts'
import { readParameters } from '../scripts/parameters.ts'
import type { ScriptPack } from '../scripts/script-pack.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { checkContent } from './check-content.ts'
import { checkDatabase } from './check-database.ts'
import { checkDrill } from './check-drill.ts'
import { storeSettingsOf } from './destination.ts'
import { missingFields } from './missing-fields.ts'
import type { RequestBody } from './read-body.ts'
import { componentProblem, dumpNameProblem, prefixProblem } from './safe-text.ts'

/** Node's timers are limited to 24 days; the setting has the same limit. */
const MAX_TIMEOUT_SECONDS = 2_000_000

/** The context of the validation. */
export interface CheckContext {
  pack: ScriptPack
  settings: AgentSettings
  now: Date
}

/** Why the id of a request is not valid; it is checked first. */
export function idProblem(id: string | undefined, reserved: ReadonlySet<string>): string | undefined {
  if (id === undefined || id === '') return 'id is empty'
  if (reserved.has(id)) return `id must not be "${id}", which is a directory of the agent`
  return componentProblem('id', id)
}

/** Ids whose job directory would be, or contain, the agent's own state. */
export function reservedIds(
  settings: Pick<AgentSettings, 'backupDirectory' | 'restoreDirectory' | 'stateDirectory'>,
): ReadonlySet<string> {
  const parents = [settings.backupDirectory, settings.restoreDirectory]
  const states = parents.map((parent) => relative(parent, settings.stateDirectory).split(sep)[0] ?? '')
  return new Set([...states, ...queryIds])
}

/**
 * Validates a request whose id is valid, in the published order: type, missing fields, then everything that becomes
 * part of paths, environments and arguments.
 */
export async function checkRequest(
  kind: RunKind,
  id: string,
  body: RequestBody,
  { pack, settings, now }: CheckContext,
): Promise<Result<JobRequest>> {
  const { form } = pack
  const destination = body.destination ?? { type: '' }
  const storeKind = stores.kindOfWireType(destination.type)
  if (storeKind === undefined) {
    const known = stores.kinds.map(({ wireType }) => wireType)
    return err(`type not supported: destination.type must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`)
  }
  const missing = missingFields(kind, storeKind, body)
  if (missing !== undefined) return err(missing)

  const database = checkDatabase(kind, body.database ?? {})
  if (!database.ok) return database
  const { filenamePrefix: namePrefix = '', bandwidth_limit_bytes_per_second: bandwidth } = destination
  const problem =
    prefixProblem('destination.filenamePrefix', namePrefix) ??
    dumpNameProblem(dumpName(database.value.host, database.value.name, now)) ??
    objectNameProblem(body.object_name) ??
    bandwidthProblem(bandwidth) ??
    timeLimitProblem(body.stage_timeout_seconds) ??
    skipStorageProblem(body, form)
  if (problem !== undefined) return err(problem)
  const content = checkContent(kind, body, { form, transfers: settings.transfers })
  if (!content.ok) return content
  const parameters = checkParameters(body, pack, settings)
  if (!parameters.ok) return parameters
  const drill = await checkDrill(kind, body, pack, database.value.name)
  if (!drill.ok) return drill
  const store = await storeSettingsOf(storeKind, destination, settings)
  if (!store.ok) return store
  const request = {
    kind,
    id,
    pack: body.pack,
    ...content.value,
    destinationType: destination.type,
    store: store.value,
    bandwidthBytesPerSecond: bandwidth,
    skipStorage: body.skip_storage === true || destination.skipStorage === true || (form === 1 && settings.skipStorage),
    namePrefix,
    objectName: kind === 'backup' ? body.object_name : undefined,
    database: database.value,
    ...parameters.value,
    stageTimeLimitMs: body.stage_timeout_seconds === undefined ? undefined : body.stage_timeout_seconds * 1000,
    drill: drill.value,
    instance: instanceOf(body.database?.serviceInstance),
    plan: body.plan && omitUndefined(body.plan),
  }
  return ok(omitUndefined(request))
}

/** Checks the parameters of a request against what its pack declares. */
export function checkParameters(
  { database }: Pick<RequestBody, 'database'>,
  pack: ScriptPack,
  settings: Pick<AgentSettings, 'allowedParameters'>,
): Result<Pick<JobRequest, 'parameters' | 'secretParameters'>> {
  const read = readParameters(database?.parameters ?? [], pack.form, settings.allowedParameters)
  const secretParameters = database?.secret_parameters
  if (!read.ok) return read
  if (pack.form === 1) return ok({ parameters: read.value, ...omitUndefined({ secretParameters }) })
  const resolved = resolveParameters(pack.parameters, read.value)
  if (!resolved.ok) return resolved
  const secrets = new Set(pack.parameters.filter(({ secret }) => secret).map(({ name }) => parameterVariable(name)))
  const declared = resolved.value.map(({ name }) => name).filter((name) => secrets.has(parameterVariable(name)))
  return ok({ parameters: resolved.value, secretParameters: [...(secretParameters ?? []), ...declared] })
}

function skipStorageProblem(body: RequestBody, form: 1 | 2): string | undefined {
  const isWanted = body.skip_storage === true || body.destination?.skipStorage === true
  return isWanted && form === 2
    ? 'skipStorage is for scripts of form 1: here the agent stores what the scripts print'
    : undefined
}

function objectNameProblem(name: string | undefined): string | undefined {
  return name === undefined ? undefined : (componentProblem('object_name', name) ?? dumpNameProblem(name))
}

function bandwidthProblem(bytesPerSecond: number | undefined): string | undefined {
  return bytesPerSecond === undefined || bytesPerSecond >= 1
    ? undefined
    : 'destination.bandwidth_limit_bytes_per_second must be at least 1'
}

function timeLimitProblem(seconds: number | undefined): string | undefined {
  return seconds === undefined || (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS)
    ? undefined
    : `stage_timeout_seconds must be a whole number from 1 to ${MAX_TIMEOUT_SECONDS}`
}

/** As our manager and the Java manager send it. */
const instanceSchema = z.object({
  service_instance_id: z.string().exactOptional(),
  id: z.string().exactOptional(),
  name: z.string().exactOptional(),
})

/** The service instance that a dump belongs to, if the request names it; for information only. */
function instanceOf(wire: unknown): Named | undefined {
  const { data } = instanceSchema.safeParse(wire)
  return data && omitUndefined({ id: data.service_instance_id ?? data.id, name: data.name })
}
