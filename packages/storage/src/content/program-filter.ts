import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { freeChunk, giveAway } from '../chunk-memory.ts'
import { ContentError } from './content-error.ts'

/** A program that reads standard input and writes standard output. */
export interface FilterProgram {
  path: string
  args: readonly string[]
  /** Whether an exit with another status than 0 means that its input was bad. */
  blamesInput: boolean
}

const complaintBytes = 2000

/**
 * The stream that a program makes of what is written to it. It ends only when the program exited with 0; a program
 * that is missing, fails or is killed fails it. Destroying it kills the program, and it closes only when that is gone,
 * so that no program outlives its transfer.
 */
export function programFilter({ path, args, blamesInput }: FilterProgram): Duplex {
  const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
  const gone = goneOf(child)
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintBytes)
  })
  let next: (() => void) | undefined
  const goOn = () => {
    const callback = next
    next = undefined
    callback?.()
  }
  child.stdin.on('drain', goOn)
  // What breaks the pipe into the program ends the program too, whose end tells more.
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
      if (child.stdin.writable && child.stdin.write(chunk, () => freeChunk(chunk))) goOn()
    },
    final(callback) {
      child.stdin.end()
      gone.then(() => callback())
    },
    destroy(error, callback) {
      child.kill('SIGKILL')
      child.stdin.destroy()
      child.stdout.destroy()
      gone.then(() => callback(error), callback)
    },
  })
  child.stdout.on('data', (chunk: Buffer) => {
    if (!filter.push(giveAway(chunk))) child.stdout.pause()
  })
  const readToEnd = new Promise<void>((resolve) => child.stdout.once('end', resolve))
  gone.then(async ({ problem: failure, status }) => {
    // The broken pipe may show only later; a program that is gone before its input was ended has not read it all.
    const hasStopped = stoppedReading || !child.stdin.writableEnded
    const problem = failure ?? (hasStopped ? 'stopped reading before the end' : undefined)
    if (problem === undefined) {
      await readToEnd
      filter.push(null)
      return
    }
    const said = complaint.trim().split('\n').at(-1) ?? ''
    const code = blamesInput && status !== undefined ? 'corrupt' : 'program-failed'
    const detail = said === '' ? '' : `: ${said.slice(0, 300)}`
    filter.destroy(new ContentError(code, `The program ${path} ${problem}${detail}.`))
  })
  return filter
}

interface End {
  /** How it failed; undefined for an exit with 0. */
  problem?: string
  status?: number
}

/** Settles when the program is gone, or never came to be. */
function goneOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ problem: `could not be started (${error.code ?? error.message})` })
    })
    child.once('exit', (status, signal) => {
      if (status === 0) resolve({})
      else if (status === null) resolve({ problem: `was killed (${signal})` })
      else resolve({ problem: `exited with status ${status}`, status })
    })
  })
}
