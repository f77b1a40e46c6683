import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { heldDescriptors, pipeHolderOf } from './pipe-holder.ts'
import type { ScriptAccount } from './script-account.ts'

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
  const [inputPipe, outputPipe, errorPipe] = heldDescriptors
  try {
    const { input, output, error } = await pipeHolderOf(account).withPipes((pid) => {
      const open = (descriptor: number, flags: number) => {
        const end = openSync(`${processes}/${pid}/fd/${descriptor}`, flags)
        opened.push(end)
        return end
      }
      // The agent's ends do not block; those of the script do, as programs expect it.
      return {
        input:
          stdin === 'stream'
            ? { script: open(inputPipe, O_RDONLY), agent: open(inputPipe, O_WRONLY | O_NONBLOCK) }
            : undefined,
        output: { script: open(outputPipe, O_WRONLY), agent: open(outputPipe, O_RDONLY | O_NONBLOCK) },
        error: { script: open(errorPipe, O_WRONLY), agent: open(errorPipe, O_RDONLY | O_NONBLOCK) },
      }
    })
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
  }
}
