import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { type BuildOptions, buildProgram } from '../../tools/build/build-program.ts'
import { programs } from '../../tools/build/programs.ts'
import { buildDashboard } from '../dashboard/build-dashboard.ts'

/** Paths of the built programs. */
export interface BuiltPrograms {
  manager: string
  agent: string
  cli: string
}

/** Builds all programs into a folder, as `npm run build` does into dist/. */
export async function buildPrograms(folder: string, options: BuildOptions = {}): Promise<BuiltPrograms> {
  await buildDashboard()
  const paths = await Promise.all(programs.map((program) => buildProgram(program, join(folder, program.name), options)))
  return Object.fromEntries(programs.map(({ name }, index) => [name, paths[index]])) as unknown as BuiltPrograms
}

/** The SHA-256 of each file below a folder, by its path there. */
export async function digestsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const digests = paths.map(async (path) => [
    path.slice(folder.length),
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ])
  return Object.fromEntries(await Promise.all(digests))
}

/** How a program ended. */
export interface ProgramResult {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Runs a program with nothing of this environment but PATH. */
export async function runProgram(
  command: readonly string[],
  { input = '', cwd, env = {} }: { input?: string | Buffer; cwd: string; env?: Record<string, string> },
): Promise<ProgramResult> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd, env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env } })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}
