import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { declarationProblem, err, ok, type Result } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import {
  additionalStages,
  stages as allStages,
  type PackParameter,
  packFileSchema,
  packNameSchema,
  type ReportedPack,
  type Stage,
} from '@osb-backup/protocol'
import type { AgentSettings } from '../settings/agent-settings.ts'

/** The file that marks a directory of scripts as a pack of form 2. */
const PACK_FILE = 'pack.json'

/** The scripts of an agent: form 1 is the file contract, form 2 (with a `pack.json`) the stream contract. */
export type ScriptPack =
  | { form: 1; directory: string }
  | {
      form: 2
      directory: string
      name: string
      type: string
      description?: string | undefined
      stages: readonly Stage[]
      parameters: readonly PackParameter[]
    }

/** Where an agent has its scripts. */
export type PackSettings = Pick<AgentSettings, 'scriptsPath' | 'packsPath'>

/** Reads the pack of a directory of scripts. */
export async function readPack(directory: string): Promise<Result<ScriptPack>> {
  const path = join(directory, PACK_FILE)
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error)
  if (content instanceof Error) {
    if (content.code === 'ENOENT' || content.code === 'ENOTDIR') return ok({ form: 1, directory })
    return err(`${path} cannot be read: ${content.message}`)
  }
  try {
    const parsed = packFileSchema.safeParse(JSON.parse(content))
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      return err(`${path} is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
    }
    const problem = declarationProblem(parsed.data.parameters)
    return problem === undefined ? ok({ directory, ...parsed.data }) : err(`${path} is not valid: ${problem}`)
  } catch (error) {
    return err(`${path} is not valid JSON: ${errorMessage(error)}`)
  }
}

/**
 * Finds the pack that a request names: a folder of `packs_path`, or the one in `scripts_path`, which is also that of requests
 * without a name.
 */
export async function findPack(settings: PackSettings, name: string | undefined): Promise<Result<ScriptPack>> {
  if (name === undefined) return readPack(settings.scriptsPath)
  if (!packNameSchema.safeParse(name).success) return err('pack is not the name of a script pack')
  const directory = await directoryOf(settings, name)
  if (directory !== undefined) return readNamedPack(directory, name)
  const pack = await readPack(settings.scriptsPath)
  if (pack.ok && pack.value.form === 2 && pack.value.name === name) return pack
  return err(`this agent has no script pack ${JSON.stringify(name)}`)
}

/** A pack below `packs_path`. Its folder names it; a `pack.json` that says otherwise was copied and not adapted. */
async function readNamedPack(directory: string, name: string): Promise<Result<ScriptPack>> {
  const pack = await readPack(directory)
  if (!pack.ok || pack.value.form === 1 || pack.value.name === name) return pack
  return err(`${join(directory, PACK_FILE)} has the name "${pack.value.name}": it must be that of its folder`)
}

/** The folder of a pack, if there is one of that name. */
async function directoryOf({ packsPath }: PackSettings, name: string): Promise<string | undefined> {
  if (packsPath === undefined) return undefined
  const directory = join(packsPath, name)
  const found = await stat(directory).catch(() => undefined)
  return found?.isDirectory() ? directory : undefined
}

/** Reads the current pack of a job that started with scripts of a form, whatever became of the pack since. */
export async function readPackInForm(
  form: ScriptPack['form'],
  settings: PackSettings,
  name: string | undefined,
): Promise<ScriptPack> {
  const found = await findPack(settings, name)
  if (found.ok && found.value.form === form) return found.value
  const named = name === undefined ? undefined : await directoryOf(settings, name)
  const directory = named ?? settings.scriptsPath
  return form === 1 ? { form, directory } : { form, directory, name: 'unknown', type: '', stages: [], parameters: [] }
}

/** Describes the packs that requests can name, those that cannot be used included. */
export async function describePacks(settings: PackSettings): Promise<ReportedPack[]> {
  const entries = settings.packsPath === undefined ? [] : await readdir(settings.packsPath).catch(() => [])
  const names = entries.filter((name) => packNameSchema.safeParse(name).success).toSorted()
  const packs: ReportedPack[] = []
  for (const name of names) {
    const directory = await directoryOf(settings, name)
    if (directory !== undefined) packs.push(await describePack(name, await readNamedPack(directory, name)))
  }
  const own = await readPack(settings.scriptsPath)
  if (own.ok && own.value.form === 2 && !names.includes(own.value.name)) {
    packs.unshift(await describePack(own.value.name, own))
  }
  return packs
}

async function describePack(name: string, pack: Result<ScriptPack>): Promise<ReportedPack> {
  if (!pack.ok) return { name, form: 2, stages: [], parameters: [], problem: pack.error }
  const stages: Stage[] = []
  for (const stage of allStages) {
    const script = await findScript(pack.value, stage)
    if (script.ok && script.value !== undefined) stages.push(stage)
  }
  if (pack.value.form === 1) return { name, form: 1, stages, parameters: [] }
  const { type, description, parameters } = pack.value
  return {
    name,
    form: 2,
    type,
    ...(description === undefined ? {} : { description }),
    stages,
    parameters: [...parameters],
  }
}

/**
 * Finds the script of a stage: `<stage>`, then `<stage>.sh`.
 *
 * @returns Its path, or undefined if the stage has no script: form 2 may omit scripts of stages that it does not
 *   declare. Form 1 must have a script for every stage, as with the Go agent, and has no others.
 */
export async function findScript(pack: ScriptPack, stage: Stage): Promise<Result<string | undefined>> {
  if (pack.form === 1 && additionalStages.has(stage)) return ok(undefined)
  const first = join(pack.directory, stage)
  for (const path of [first, `${first}.sh`]) {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
    if (found instanceof Error) {
      if (found.code !== 'ENOENT' && found.code !== 'ENOTDIR') return err(`${path}: ${found.message}`)
    } else if (found.isFile()) {
      return ok(path)
    }
  }
  const needed = pack.form === 1 || stage === 'backup' || stage === 'restore' || pack.stages.includes(stage)
  return needed ? err(`there is no script for this stage: create ${first} or ${first}.sh`) : ok(undefined)
}
