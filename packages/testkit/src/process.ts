import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A program of ours that runs as a process of its own. */
export interface RunningProcess {
  readonly pid: number
  /** What it printed so far, both streams. */
  output(): string
  /** Sends SIGTERM and waits; kills it after two minutes, which is an error. */
  stop(): Promise<void>
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>
  /** The exit status, once it has ended by itself; null after a signal. */
  ended(): Promise<number | null>
}

const STOP_TIMEOUT_MS = 120_000
/** As `npm start` and `npm run agent` have it: without it each start compiles everything again. */
const compileCache = join(import.meta.dirname, '../../../node_modules/.cache/node')
const LARGEST_OUTPUT = 4 * 1024 * 1024

/**
 * Starts `node <script> <args>` with an environment of its own and nothing of the caller's but path and home.
 *
 * @param prefix - A program that executes the rest of its arguments: `['prlimit', '--nofile=64']`.
 * @param flags - Of Node.
 */
export function startProcess(
  script: string,
  environment: Record<string, string>,
  {
    args = [],
    prefix = [],
    flags = [],
  }: { args?: readonly string[]; prefix?: readonly string[]; flags?: readonly string[] } = {},
): RunningProcess {
  const [program = process.execPath, ...rest] = [...prefix, process.execPath, ...flags, script, ...args]
  const child = spawn(program, rest, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: compileCache, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-LARGEST_OUTPUT)
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    pid: child.pid ?? Number.NaN,
    output: () => output,
    ended: () => ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      if (isOver(child)) return
      child.kill('SIGTERM')
      const timer = new AbortController()
      const late = sleep(STOP_TIMEOUT_MS, true, { signal: timer.signal }).catch(() => false)
      const isLate = await Promise.race([ended.then(() => false), late])
      timer.abort()
      if (!isLate) return
      child.kill('SIGKILL')
      throw new Error(`${script} did not end within ${STOP_TIMEOUT_MS} ms of SIGTERM:\n${output}`)
    },
  }
}

/**
 * Waits until a process has printed something.
 *
 * @throws {Error} With its output, if it exits before or the time limit is reached.
 */
export async function waitForOutput(
  running: Pick<RunningProcess, 'ended' | 'output'>,
  pattern: RegExp,
  timeoutMs: number,
): Promise<RegExpExecArray> {
  const endAt = Date.now() + timeoutMs
  let over = false
  void running.ended().then(() => {
    over = true
  })
  for (;;) {
    const found = pattern.exec(running.output())
    if (found !== null) return found
    if (over) throw new Error(`the process ended before it printed ${pattern}:\n${running.output()}`)
    if (Date.now() > endAt)
      throw new Error(`the process did not print ${pattern} in ${timeoutMs} ms:\n${running.output()}`)
    await sleep(20)
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
