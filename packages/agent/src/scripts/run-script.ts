import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { setImmediate as nextPoll, setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '@osb-backup/node'
import type { SecretMask } from '../masking.ts'
import { BoundedLog } from './bounded-log.ts'
import { endProcesses } from './end-processes.ts'
import { closeGate, gatedArguments, openGate } from './gate.ts'
import { HeldOutput } from './held-output.ts'
import { readProcess } from './process-identity.ts'
import { findProcesses, haveOpen, openFile, type ProcessScope } from './process-scan.ts'
import { commandAs, type ScriptAccount } from './script-account.ts'
import { describeOutcome, isSuccess, type ScriptOutcome, type ScriptResult } from './script-result.ts'
import { openStandardStreams, type StandardStreams } from './standard-streams.ts'

/** How long pipes may stay open after the script has exited: long enough to read what is in them. */
const LOG_GRACE_MS = 500
/** The same for the dump: longer, since a pipe that is still open after it makes the backup fail. */
const DUMP_GRACE_MS = 5000
/** More than a pipe or a socket holds: what comes after the script's exit beyond it was written after it. */
const MAX_IN_PIPE_BYTES = 2 * 1024 * 1024

export interface ScriptOptions {
  path: string
  arguments: readonly string[]
  /** Options of the shell. */
  options: readonly string[]
  /** The whole environment. */
  environment: Readonly<Record<string, string>>
  directory: string
  /** What it runs under, if it is not the agent's own account. */
  account?: ScriptAccount | undefined
  timeLimitMs: number
  killGraceMs: number
  mask: SecretMask
  /** Cancels the script. */
  signal: AbortSignal
  /** What identifies its processes, in addition to its process group. */
  scope: Pick<ProcessScope, 'environment' | 'cgroup'>
  /** Whether background processes whose output is elsewhere stay after a success: they may hold a lock. */
  keepsBackground: boolean
  /** A directory in which no background process may have a file open when the script exits. */
  workDirectory?: string | undefined
  /** `stream`: standard output is the dump, not a log. */
  stdout: 'log' | 'stream'
  /** `stream`: the caller writes standard input. */
  stdin: 'empty' | 'stream'
  /**
   * Called when the process exists but has not started the script, so that it can be recorded first. If it rejects, the
   * script never starts.
   */
  beforeStart(pid: number): Promise<void>
}

/** A running script. */
export interface RunningScript {
  /** Standard input, if it is a stream. The caller handles its errors: a script need not read all of it. */
  input: Writable | undefined
  /** Standard output, if it is a stream. It ends only if the script succeeded; otherwise it fails. */
  output: HeldOutput | undefined
  /** Resolves when the script has exited and its pipes are closed; never rejects. */
  ended: Promise<ScriptResult>
  /** Stops the script because the other end of its stream failed. */
  stop(): void
}

/**
 * Runs a script with bash in its own process group. All of its processes, wherever they have moved to, are ended with
 * it, at its exit, its time limit and on cancellation. A script that exits while one of them still writes or reads the
 * dump has failed.
 */
export async function startScript(options: ScriptOptions): Promise<RunningScript> {
  const script = new Script(options, await openStandardStreams(options.stdin, { account: options.account }))
  return {
    input: script.input,
    output: script.output,
    ended: script.ended,
    stop: () => script.end({ kind: 'stopped' }),
  }
}

class Script {
  readonly #options: ScriptOptions
  readonly #pipes: { stdout: Readable | null | undefined; stderr: Readable | null | undefined }
  readonly #stdout: BoundedLog
  readonly #stderr: BoundedLog
  /** Why the agent terminated the script, if it did; the first reason counts. */
  #reason: ScriptOutcome | undefined
  #processesEnded: Promise<unknown> | undefined
  #scope: ProcessScope
  /** The streams of the script that carry a dump. */
  readonly #dumpStreams = new Set<string>()
  #unfinished: ScriptOutcome | undefined
  #isOver = false
  readonly input: Writable | undefined
  readonly output: HeldOutput | undefined
  readonly ended: Promise<ScriptResult>

  constructor(options: ScriptOptions, { stdio, ends, closeScriptEnds }: StandardStreams) {
    this.#options = options
    this.#scope = options.scope
    this.#pipes = { stdout: ends?.stdout, stderr: ends?.stderr }
    this.#stdout = new BoundedLog(options.mask)
    this.#stderr = new BoundedLog(options.mask)
    const exited = Promise.withResolvers<ScriptOutcome>()
    try {
      const gated = gatedArguments(options.path, options.arguments, options.options)
      const child = spawn(...commandAs(options.account, 'bash', gated), {
        cwd: options.directory,
        env: { ...options.environment },
        detached: true,
        stdio: [...stdio, 'pipe'],
      })
      const { stdin, stdout, stderr } = ends ?? child
      this.#pipes = { stdout, stderr }
      child.once('error', (error) => exited.resolve({ kind: 'not-started', problem: error.message }))
      child.once('exit', (status, signal) => {
        if (status === 0) this.#noteUnfinishedWork()
        exited.resolve(signal === null ? { kind: 'exited', status: status ?? -1 } : { kind: 'killed', signal })
      })
      if (stdin) this.input = stdin
      if (options.stdout === 'stream' && stdout) this.output = new HeldOutput(stdout)
      else stdout?.on('data', (chunk: Buffer) => this.#stdout.write(chunk))
      stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk))
      if (child.pid !== undefined) void this.#begin(child, child.pid)
    } catch (error) {
      // Arguments or an environment that are too long cause an exception, not an event.
      exited.resolve({ kind: 'not-started', problem: errorMessage(error) })
      for (const end of [ends?.stdin, ends?.stdout, ends?.stderr]) end?.destroy()
    }
    closeScriptEnds()
    this.ended = this.#untilOver(exited.promise)
  }

  /** Lets the script start once it is recorded. Never rejects. */
  async #begin(child: ChildProcess, pid: number): Promise<void> {
    try {
      this.#identify(pid)
      await this.#options.beforeStart(pid)
      openGate(child)
    } catch (error) {
      this.#reason ??= { kind: 'not-started', problem: errorMessage(error) }
      closeGate(child)
    }
  }

  /** Terminates the script and all of its processes. */
  end(reason: ScriptOutcome): void {
    if (this.#reason !== undefined || this.#isOver) return
    this.#reason = reason
    this.output?.fail(`the script ${describeOutcome(reason)}`)
    this.#endProcesses()
  }

  /** While the script waits at the gate, it is known what it is. */
  #identify(pid: number): void {
    const { stdin, stdout, scope } = this.#options
    this.#scope = { ...scope, groupId: pid }
    const sinceTicks = readProcess(pid)?.startTicks
    if (sinceTicks !== undefined) this.#scope.sinceTicks = sinceTicks
    const streams = [
      stdin === 'stream' ? openFile(pid, 0) : undefined,
      stdout === 'stream' ? openFile(pid, 1) : undefined,
    ]
    for (const stream of streams) if (stream !== undefined) this.#dumpStreams.add(stream)
  }

  /** Finds, when a script exits, the processes that it left behind and that still work on the dump. */
  #noteUnfinishedWork(): void {
    const { workDirectory, stdout } = this.#options
    if (this.#dumpStreams.size === 0 && workDirectory === undefined) return
    try {
      const left = findProcesses(this.#scope) ?? []
      if (!haveOpen(left, this.#dumpStreams, workDirectory)) return
      this.#unfinished = stdout === 'stream' ? { kind: 'output-held' } : { kind: 'unfinished' }
    } catch {
      // Without descriptors nothing is seen; a pipe that stays open is.
    }
  }

  #endProcesses(): void {
    if (this.#scope.groupId !== undefined) {
      this.#processesEnded ??= endProcesses(this.#scope, this.#options.killGraceMs)
    }
  }

  async #untilOver(exited: Promise<ScriptOutcome>): Promise<ScriptResult> {
    const { signal, timeLimitMs, keepsBackground } = this.#options
    const cancel = () => this.end({ kind: 'cancelled' })
    const timer = setTimeout(() => this.end({ kind: 'timed-out', limitMs: timeLimitMs }), timeLimitMs)
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const exit = await exited
      if (this.#unfinished !== undefined) this.end(this.#unfinished)
      const held = await this.#untilPipesClosed()
      clearTimeout(timer)
      if (held === 'dump' && isSuccess(exit)) this.end({ kind: 'output-held' })
      if (held !== undefined || !isSuccess(exit) || !keepsBackground) this.#endProcesses()
      await this.#processesEnded
      this.#isOver = true
      this.input?.destroy()
      this.#pipes.stdout?.destroy()
      this.#pipes.stderr?.destroy()
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
    else this.output?.fail(`the script ${describeOutcome(outcome)}`)
  }

  /**
   * Waits for the pipes after the script's exit; for a dump also as long as its consumer is slow.
   *
   * @returns What a background process still holds open; undefined if everything was closed.
   */
  async #untilPipesClosed(): Promise<'logs' | 'dump' | undefined> {
    const { output } = this
    const exitedAt = performance.now()
    const bytesAtExit = output?.bytes ?? 0
    for (;;) {
      const now = performance.now()
      if (output !== undefined && output.bytes - bytesAtExit > MAX_IN_PIPE_BYTES) return 'dump'
      const isDumpOpen = output !== undefined && !output.isSettled
      if (isDumpOpen && Math.min(now - exitedAt, output.idleMs(now)) > DUMP_GRACE_MS) return 'dump'
      if (!isDumpOpen) {
        const areLogsOpen = isOpen(this.#pipes.stderr) || (output === undefined && isOpen(this.#pipes.stdout))
        if (!areLogsOpen) return undefined
        if (now - exitedAt > LOG_GRACE_MS) return 'logs'
      }
      await sleep(5)
      // On a busy machine a timer may be late by more than the grace period: the pipes are read before the next check.
      await nextPoll()
    }
  }
}

function isOpen(pipe: Readable | null | undefined): boolean {
  return pipe !== null && pipe !== undefined && !pipe.readableEnded && !pipe.destroyed
}
