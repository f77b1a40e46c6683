import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { releaseBuffer, transferOwnership } from '../buffer-ownership.ts'
import { ContentError } from './content-error.ts'

/** A program that reads standard input and writes standard output. */
export interface FilterProgram {
  path: string
  args: readonly string[]
  /** Whether an exit with another status than 0 means that its input was bad. */
  blamesInput: boolean
}

const STDERR_KEPT_CHARACTERS = 2000

/**
 * Creates a stream that passes what is written to it through a program. It ends only when the program exited with 0; a
 * program that is missing, fails or is killed fails it. Destroying it kills the program, and it closes only when the
 * program has exited, so that no program outlives its transfer.
 */
export function programFilter({ path, args, blamesInput }: FilterProgram): Duplex {
  const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
  const exited = exitOf(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT_CHARACTERS)
  })
  const stderrClosed = new Promise<void>((resolve) => child.stderr.once('close', () => resolve()))
  let next: (() => void) | undefined
  const continueWriting = () => {
    const callback = next
    next = undefined
    callback?.()
  }
  child.stdin.on('drain', continueWriting)
  // A broken pipe means that the program ends, and its exit status says more.
  let stoppedReading = false
  child.stdin.on('error', () => {
    stoppedReading = true
  })

  const filter = new Duplex({
    read() {
      child.stdout.resume()
    },
    write(chunk: Buffer, _encoding, callback) {
      next = callback
      if (child.stdin.writable && child.stdin.write(chunk, () => releaseBuffer(chunk))) continueWriting()
    },
    final(callback) {
      child.stdin.end()
      exited.then(() => callback(), callback)
    },
    destroy(error, callback) {
      child.kill('SIGKILL')
      child.stdin.destroy()
      child.stdout.destroy()
      exited.then(() => {
        child.stderr.destroy()
        callback(error)
      }, callback)
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    if (!filter.push(transferOwnership(chunk))) child.stdout.pause()
  })
  const readToEnd = new Promise<void>((resolve) => child.stdout.once('end', resolve))
  const finish = async ({ problem: failure, status, wasStarted }: ProgramExit) => {
    // The broken pipe may be noticed only later; a program that exited before its input was ended has not read all of
    // it.
    const hasStopped = stoppedReading || !child.stdin.writableEnded
    const problem = failure ?? (hasStopped ? 'stopped reading before the end' : undefined)
    if (problem === undefined) {
      await readToEnd
      filter.push(null)
      return
    }
    // The last words may still be in the pipe: 'exit' comes before stderr was read to its end.
    if (wasStarted) await stderrClosed
    const said = stderr.trim().split('\n').at(-1) ?? ''
    const code = blamesInput && status !== undefined ? 'corrupt' : 'program-failed'
    const detail = said === '' ? '' : `: ${said.slice(0, 300)}`
    filter.destroy(new ContentError(code, `The program ${path} ${problem}${detail}.`))
  }
  exited.then(finish).catch((error) => filter.destroy(error))
  return filter
}

interface ProgramExit {
  /** How it failed; undefined for an exit with 0. */
  problem?: string
  status?: number
  wasStarted: boolean
}

/** Settles when the program has exited, or could not be started. */
function exitOf(child: ChildProcess): Promise<ProgramExit> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) {
        resolve({ problem: `could not be started (${error.code ?? error.message})`, wasStarted: false })
      }
    })
    child.once('exit', (status, signal) => {
      if (status === 0) resolve({ wasStarted: true })
      else if (status === null) resolve({ problem: `was killed (${signal})`, wasStarted: true })
      else resolve({ problem: `exited with status ${status}`, status, wasStarted: true })
    })
  })
}
