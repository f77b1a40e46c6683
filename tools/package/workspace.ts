import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileOf, programs } from '../build/programs.ts'

/** The folder of the repository. */
export const repository = join(import.meta.dirname, '../..')

const LARGEST_OUTPUT = 64 * 1024 * 1024

/** A folder that is removed in the end. */
export interface Stage extends AsyncDisposable {
  path: string
}

/** Creates a folder in which a package is put together. */
export async function createStage(): Promise<Stage> {
  const path = await mkdtemp(join(tmpdir(), 'osb-backup-package-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Runs a program to its end.
 *
 * @returns What it printed to standard output.
 * @throws {Error} If it fails: with what it printed.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  try {
    const env = { ...process.env, ...options.env }
    const { stdout } = await promisify(execFile)(program, args, { ...options, env, maxBuffer: LARGEST_OUTPUT })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/**
 * The folder of a program as `npm run build` built it.
 *
 * @throws {Error} If it has not been built.
 */
export async function builtProgram(name: 'agent' | 'cli' | 'manager'): Promise<string> {
  const folder = join(repository, 'dist', name)
  const [program] = programs.filter((each) => each.name === name)
  if (program === undefined || !(await stat(join(folder, fileOf(program))).catch(() => undefined))) {
    throw new Error(`dist/${name} has not been built: run "npm run build".`)
  }
  return folder
}

/** The time that files in packages have, in seconds: that of the last commit, so that the same sources give the same package. */
export async function sourceDate(): Promise<string> {
  const given = process.env.SOURCE_DATE_EPOCH
  return given ?? (await run('git', ['log', '-1', '--format=%ct'], { cwd: repository })).trim()
}

/** A JSON file. */
export const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T
