import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { setImmediate as nextPoll, setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '@osb-backup/node'
import type { SecretMask } from '../masking.ts'
import { BoundedLog } from './bounded-log.ts'
import { gatedArguments, openGate, shutGate } from './gate.ts'
import { HeldOutput } from './held-output.ts'
import { endGroup } from './process-group.ts'
import { describeOutcome, isSuccess, type ScriptEnd, type ScriptOutcome } from './script-end.ts'

/** How long pipes may stay open after the script itself has exited: long enough for what is still in them. */
const LOG_GRACE_MS = 500
/** The same for a dump that stops coming: longer, since what is still held then makes the dump a failure. */
const DUMP_GRACE_MS = 5000

export interface ScriptOptions {
  path: string
  arguments: readonly string[]
  /** The whole environment. */
  environment: Readonly<Record<string, string>>
  directory: string
  timeLimitMs: number
  killGraceMs: number
  mask: SecretMask
  /** Breaks the script off. */
  signal: AbortSignal
  /** `stream`: standard output is the dump and not a log. */
  stdout: 'log' | 'stream'
  /** `stream`: the caller writes standard input. */
  stdin: 'empty' | 'stream'
  /**
   * Called when the process is there, but has not begun to run the script: so that it can be written down first. If it
   * rejects, the script never begins.
   */
  beforeStart(pid: number): Promise<void>
}

/** A script that was started. */
export interface RunningScript {
  /** Standard input, if it was asked for. The caller handles its errors: a script need not read all. */
  input: Writable | undefined
  /** Standard output, if it was asked for. Ends only once the script is known to have succeeded; else it fails. */
  output: HeldOutput | undefined
  /** Settles when the script is over and its pipes are closed; never rejects. */
  ended: Promise<ScriptEnd>
  /** Stops the script because the other end of its stream failed. */
  stop(): void
}

/**
 * Runs a script with bash, in a process group of its own. The group is killed at the time limit and at a cancel, and
 * when the script failed or left processes behind that hold its pipes. What it left in the background with pipes of
 * its own stays alive after a success: so a lock script can keep a session open.
 */
export function startScript(options: ScriptOptions): RunningScript {
  const script = new Script(options)
  return {
    input: script.input,
    output: script.output,
    ended: script.ended,
    stop: () => script.end({ kind: 'stopped' }),
  }
}

class Script {
  readonly #options: ScriptOptions
  readonly #child: ChildProcess | undefined
  readonly #stdout: BoundedLog
  readonly #stderr: BoundedLog
  /** Why the agent ended the script, if it did; the first reason counts. */
  #reason: ScriptOutcome | undefined
  #groupEnd: Promise<void> | undefined
  #isOver = false
  readonly input: Writable | undefined
  readonly output: HeldOutput | undefined
  readonly ended: Promise<ScriptEnd>

  constructor(options: ScriptOptions) {
    this.#options = options
    this.#stdout = new BoundedLog(options.mask)
    this.#stderr = new BoundedLog(options.mask)
    const exited = Promise.withResolvers<ScriptOutcome>()
    try {
      const child = spawn('bash', gatedArguments(options.path, options.arguments), {
        cwd: options.directory,
        env: { ...options.environment },
        detached: true,
        stdio: [options.stdin === 'stream' ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
      })
      this.#child = child
      child.once('error', (error) => exited.resolve({ kind: 'not-started', problem: error.message }))
      child.once('exit', (status, signal) =>
        exited.resolve(signal === null ? { kind: 'exited', status: status ?? -1 } : { kind: 'killed', signal }),
      )
      if (child.stdin) this.input = child.stdin
      if (options.stdout === 'stream' && child.stdout) this.output = new HeldOutput(child.stdout)
      else child.stdout?.on('data', (chunk: Buffer) => this.#stdout.write(chunk))
      child.stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk))
      if (child.pid !== undefined) void this.#begin(child, child.pid)
    } catch (error) {
      // Arguments or an environment that are too long are thrown, not emitted.
      exited.resolve({ kind: 'not-started', problem: errorMessage(error) })
    }
    this.ended = this.#untilOver(exited.promise)
  }

  /** Lets the script begin when it is known. Never rejects. */
  async #begin(child: ChildProcess, pid: number): Promise<void> {
    try {
      await this.#options.beforeStart(pid)
      openGate(child)
    } catch (error) {
      this.#reason ??= { kind: 'not-started', problem: errorMessage(error) }
      shutGate(child)
    }
  }

  /** Ends the script and all of its processes. */
  end(reason: ScriptOutcome): void {
    if (this.#reason !== undefined || this.#isOver) return
    this.#reason = reason
    this.output?.destroy(new Error(`the script ${describeOutcome(reason)}`))
    this.#endGroup()
  }

  #endGroup(): void {
    const pid = this.#child?.pid
    if (pid !== undefined) this.#groupEnd ??= endGroup(pid, this.#options.killGraceMs)
  }

  async #untilOver(exited: Promise<ScriptOutcome>): Promise<ScriptEnd> {
    const { signal, timeLimitMs } = this.#options
    const cancel = () => this.end({ kind: 'cancelled' })
    const timer = setTimeout(() => this.end({ kind: 'timed-out', limitMs: timeLimitMs }), timeLimitMs)
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const exit = await exited
      const held = await this.#untilPipesClosed()
      clearTimeout(timer)
      if (held === 'dump' && isSuccess(exit)) this.end({ kind: 'output-held' })
      if (held !== undefined || !isSuccess(exit)) this.#endGroup()
      await this.#groupEnd
      this.#isOver = true
      this.#child?.stdout?.destroy()
      this.#child?.stderr?.destroy()
      const outcome = exit.kind === 'not-started' ? exit : (this.#reason ?? exit)
      this.#finishOutput(outcome)
      return { outcome, stdout: this.#stdout.end(), stderr: this.#stderr.end() }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
    }
  }

  #finishOutput(outcome: ScriptOutcome): void {
    if (isSuccess(outcome)) this.output?.release()
    else this.output?.destroy(new Error(`the script ${describeOutcome(outcome)}`))
  }

  /**
   * Waits for the pipes after the script's exit; for a dump as long as its consumer is what is slow.
   *
   * @returns What a process that the script left behind still holds; undefined if all was closed.
   */
  async #untilPipesClosed(): Promise<'logs' | 'dump' | undefined> {
    const { output } = this
    const exitedAt = performance.now()
    for (;;) {
      const now = performance.now()
      const isDumpOpen = output !== undefined && !output.isSettled
      if (isDumpOpen && Math.min(now - exitedAt, output.idleMs(now)) > DUMP_GRACE_MS) return 'dump'
      if (!isDumpOpen) {
        const areLogsOpen = isOpen(this.#child?.stderr) || (output === undefined && isOpen(this.#child?.stdout))
        if (!areLogsOpen) return undefined
        if (now - exitedAt > LOG_GRACE_MS) return 'logs'
      }
      await sleep(5)
      // On a busy machine a timer may be late by more than the grace: what is in the pipes is read before it is judged.
      await nextPoll()
    }
  }
}

function isOpen(pipe: Readable | null | undefined): boolean {
  return pipe !== null && pipe !== undefined && !pipe.readableEnded && !pipe.destroyed
}
