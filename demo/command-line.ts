import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const program = join(import.meta.dirname, '..', 'packages', 'cli', 'src', 'main.ts')

/** Runs a command of `osb-backup`, after printing it as a user would type it. */
export type CommandLine = (...args: string[]) => Promise<void>

/**
 * The command line of a manager, at this terminal.
 *
 * @param signal - Ends a command that runs.
 * @returns A function that rejects if the command fails.
 */
export function commandLineOf({ url, token }: { url: string; token: string }, signal: AbortSignal): CommandLine {
  const env = { ...process.env, OSB_BACKUP_URL: url, OSB_BACKUP_TOKEN: token }
  return async (...args) => {
    console.log(`\n   $ osb-backup ${args.map(quoted).join(' ')}`)
    // In a group of its own: Ctrl-C is for the demo, which ends the command.
    const command = spawn(process.execPath, [program, ...args], {
      env,
      signal,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    })
    const [status] = await once(command, 'close')
    if (status !== 0) throw new Error(`osb-backup ${args.slice(0, 2).join(' ')} exited with status ${status}`)
  }
}

const quoted = (argument: string) =>
  /^[\w./:=@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
