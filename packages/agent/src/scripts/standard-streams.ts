import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { ScriptAccount } from './script-account.ts'

const PIPES_TIMEOUT_MS = 10_000
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

/** `pipe`: the socket pair that Node makes. */
type Stdio = 'ignore' | 'pipe' | number

/** The standard streams of a script that is about to be started. */
export interface StandardStreams {
  /** For `spawn`: standard input, output and error. */
  stdio: [Stdio, Stdio, Stdio]
  /** The agent's ends; undefined: the child has them, since these are socket pairs. */
  ends: { stdin: Writable | undefined; stdout: Readable; stderr: Readable } | undefined
  /** To be called once the script was started, or could not be: before that its streams do not end. */
  closeScriptEnds(): void
}

/**
 * Opens pipes for a script. Node gives children socket pairs, and Linux does not open those by name, so that
 * `echo > /dev/stderr` or `tee /dev/stderr` would fail in a script. Nor can Node create a pipe, but bash does, and the
 * agent opens it through `/proc`. (A FIFO is another thing: opening it waits for the other end.) Where that fails the
 * script gets socket pairs, since an unlock must not depend on it.
 *
 * @param account - What the script runs under, if it is not the agent's own account.
 * @param stdin - `empty`: the script reads an end of file.
 */
export async function openStandardStreams(
  stdin: 'empty' | 'stream',
  { processes = '/proc', account }: { processes?: string; account?: ScriptAccount | undefined } = {},
): Promise<StandardStreams> {
  const opened: number[] = []
  // Bash would read ~/.bashrc first, since its standard input is a socket, as with rsh; and BASH_ENV in any case.
  const holder = spawn('bash', ['--norc', '-c', 'exec 10< <(:) 11< <(:) 12< <(:) && echo && read -r _'], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'ignore'],
    // The owner of a pipe may open it by name.
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  const open = (descriptor: number, flags: number) => {
    const end = openSync(`${processes}/${holder.pid}/fd/${descriptor}`, flags)
    opened.push(end)
    return end
  }
  try {
    await untilReady(holder)
    // The agent's ends do not block; those of the script do, as programs expect it.
    const input =
      stdin === 'stream' ? { script: open(10, O_RDONLY), agent: open(10, O_WRONLY | O_NONBLOCK) } : undefined
    const output = { script: open(11, O_WRONLY), agent: open(11, O_RDONLY | O_NONBLOCK) }
    const error = { script: open(12, O_WRONLY), agent: open(12, O_RDONLY | O_NONBLOCK) }
    const scriptEnds = [input?.script, output.script, error.script].filter((end) => end !== undefined)
    return {
      stdio: [input?.script ?? 'ignore', output.script, error.script],
      ends: {
        stdin: input && new Socket({ fd: input.agent, readable: false, writable: true }),
        stdout: new Socket({ fd: output.agent, readable: true, writable: false }),
        stderr: new Socket({ fd: error.agent, readable: true, writable: false }),
      },
      closeScriptEnds() {
        for (const end of scriptEnds.splice(0)) closeSync(end)
      },
    }
  } catch {
    for (const end of opened) closeSync(end)
    return {
      stdio: [stdin === 'stream' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ends: undefined,
      closeScriptEnds: () => undefined,
    }
  } finally {
    holder.kill('SIGKILL')
  }
}

/** Resolves when bash holds the pipes. */
async function untilReady(holder: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  holder.on('error', reject)
  holder.once('exit', () => reject(new Error('bash created no pipes')))
  holder.stdin?.on('error', reject)
  holder.stdout?.once('data', () => resolve())
  const timer = setTimeout(() => reject(new Error('bash created no pipes in time')), PIPES_TIMEOUT_MS)
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}
