import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { err, ok, type Result } from '@osb-backup/core'
import { errorMessage } from '@osb-backup/node'
import { backupStages, restoreStages, type Stage } from '@osb-backup/protocol'
import { z } from 'zod'

/** The file that marks a directory of scripts as a pack of form 2. */
const PACK_FILE = 'pack.json'

const packSchema = z.object({
  form: z.literal(2),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/, 'must be lower case letters, digits and dashes'),
  /** File type of the dump, with its dot. Compression and encryption append their own endings. */
  type: z
    .string()
    .max(30)
    .regex(/^(\.[A-Za-z0-9]+)+$/, 'must look like ".dump"')
    .refine((type) => !/\.(gz|zst|age)$/i.test(type), 'must not end in .gz, .zst or .age: the agent adds those'),
  description: z.string().max(1000).optional(),
  /** Stages whose script must exist, in addition to `backup` and `restore`. */
  stages: z.array(z.enum([...backupStages, ...restoreStages])).default([]),
})

/** The scripts of an agent: form 1 is the file contract, form 2 (with a `pack.json`) the stream contract. */
export type ScriptPack =
  | { form: 1; directory: string }
  | { form: 2; directory: string; name: string; type: string; stages: readonly Stage[] }

/** Reads the pack of a directory of scripts. */
export async function readPack(directory: string): Promise<Result<ScriptPack>> {
  const path = join(directory, PACK_FILE)
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error)
  if (content instanceof Error) {
    if (content.code === 'ENOENT' || content.code === 'ENOTDIR') return ok({ form: 1, directory })
    return err(`${path} cannot be read: ${content.message}`)
  }
  try {
    const parsed = packSchema.safeParse(JSON.parse(content))
    if (parsed.success) {
      const { name, type, stages } = parsed.data
      return ok({ form: 2, directory, name, type, stages })
    }
    const issue = parsed.error.issues[0]
    return err(`${path} is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  } catch (error) {
    return err(`${path} is not valid JSON: ${errorMessage(error)}`)
  }
}

/** Reads the current pack of a directory for a job that started with scripts of a form, whatever became of the pack since. */
export async function readPackInForm(form: ScriptPack['form'], directory: string): Promise<ScriptPack> {
  const found = await readPack(directory)
  if (found.ok && found.value.form === form) return found.value
  return form === 1 ? { form, directory } : { form, directory, name: 'unknown', type: '', stages: [] }
}

/**
 * Finds the script of a stage: `<stage>`, then `<stage>.sh`.
 *
 * @returns Its path, or undefined if the stage has no script: form 2 may omit scripts of stages that it does not
 *   declare. Form 1 must have a script for every stage, as with the Go agent.
 */
export async function findScript(pack: ScriptPack, stage: Stage): Promise<Result<string | undefined>> {
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
