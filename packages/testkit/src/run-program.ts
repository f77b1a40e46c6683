import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a program of the system and returns what it printed. @throws {Error} With its output, if it fails. */
export async function runProgram(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  try {
    return (await execute(program, args, { env })).stdout
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`${[program, ...args].join(' ')} failed: ${stderr.trim() || (error as Error).message}`, {
      cause: error,
    })
  }
}

/** Whether a program can be started. */
export async function hasProgram(program: string, ...args: string[]): Promise<boolean> {
  return runProgram(program, ...args).then(
    () => true,
    () => false,
  )
}
