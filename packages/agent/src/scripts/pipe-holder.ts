import { type ChildProcess, spawn } from 'node:child_process'
import type { ScriptAccount } from './script-account.ts'

const ANSWER_TIMEOUT_MS = 10_000
/** Scripts follow each other within a job; a holder that waits longer than this is not needed any more. */
const IDLE_MS = 10_000

/**
 * What bash does for each set of pipes, from one line that it reads to the next: its ends are the descriptors 10, 11 and 12. It
 * ends with the agent, which has the other end of its standard input.
 */
const program =
  'while read -r _; do exec 10< <(:) 11< <(:) 12< <(:) || exit; echo; read -r _; exec 10<&- 11<&- 12<&-; echo; done'
export const heldDescriptors = [10, 11, 12] as const

/**
 * Creates pipes, which Node cannot: a bash that has them for as long as it takes to open their ends through `/proc`. One bash
 * creates those of many scripts: to start one costs ten times as much.
 */
class PipeHolder {
  readonly #account: ScriptAccount | undefined
  #bash: ChildProcess | undefined
  #busy: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(account: ScriptAccount | undefined) {
    this.#account = account
  }

  /**
   * Creates three pipes, and closes its own ends of them before it returns.
   *
   * @param open - Opens the ends of the pipes that the process has as `heldDescriptors`.
   */
  async withPipes<T>(open: (pid: number) => T): Promise<T> {
    const result = this.#busy.then(() => this.#createPipes(open))
    this.#busy = result.catch(() => undefined)
    return result
  }

  async #createPipes<T>(open: (pid: number) => T): Promise<T> {
    clearTimeout(this.#idle)
    const bash = this.#bash !== undefined && isRunning(this.#bash) ? this.#bash : start(this.#account)
    this.#bash = bash
    bash.ref()
    try {
      await nextLine(bash)
      const opened = open(bash.pid ?? 0)
      await nextLine(bash)
      return opened
    } catch (error) {
      this.#end()
      throw error
    } finally {
      bash.unref()
      this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
    }
  }

  #end(): void {
    this.#bash?.kill('SIGKILL')
    this.#bash = undefined
  }
}

function start(account: ScriptAccount | undefined): ChildProcess {
  // Bash would read ~/.bashrc first, since its standard input is a socket, as with rsh; and BASH_ENV in any case.
  const bash = spawn('bash', ['--norc', '-c', program], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'ignore'],
    // The owner of a pipe may open it by name.
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  for (const emitter of [bash, bash.stdin, bash.stdout]) emitter.on('error', () => undefined)
  return bash
}

const isRunning = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null

/** Writes a line, and resolves when it is answered. */
async function nextLine(bash: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = () => reject(new Error('bash created no pipes'))
  const answered = () => resolve()
  const timer = setTimeout(fail, ANSWER_TIMEOUT_MS)
  bash.once('error', fail)
  bash.once('exit', fail)
  bash.stdout?.once('data', answered)
  try {
    if (!isRunning(bash)) fail()
    bash.stdin?.write('\n')
    await promise
  } finally {
    clearTimeout(timer)
    bash.off('error', fail)
    bash.off('exit', fail)
    bash.stdout?.off('data', answered)
  }
}

const holders = new Map<number | undefined, PipeHolder>()

/** The pipe holder of an account. */
export function pipeHolderOf(account: ScriptAccount | undefined): PipeHolder {
  const known = holders.get(account?.uid)
  if (known !== undefined) return known
  const holder = new PipeHolder(account)
  holders.set(account?.uid, holder)
  return holder
}
