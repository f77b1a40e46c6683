import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { RunningProcess } from '@osb-backup/testkit'
import { memoryBytes } from '../process-usage.ts'

/** Lets a process be inspected: pass it as a setting. */
export const inspectable = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** What a process holds. */
export interface Holdings {
  heapBytes: number
  residentBytes: number
  descriptors: number
}

/** A process that was started to be inspected, over the protocol of its debugger. */
export class InspectedProcess implements Disposable {
  readonly #pid: number
  readonly #socket: WebSocket
  readonly #answers = new Map<number, (result: unknown) => void>()
  #calls = 0
  #snapshot: WriteStream | undefined

  private constructor(pid: number, socket: WebSocket) {
    this.#pid = pid
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { id, result, params } = JSON.parse(String(data)) as {
        id?: number
        result?: unknown
        params?: { chunk?: string }
      }
      if (params?.chunk !== undefined) this.#snapshot?.write(params.chunk)
      if (id !== undefined) this.#answers.get(id)?.(result)
    })
  }

  /** Connects to a process that was started with `inspectable`. */
  static async connect(running: RunningProcess): Promise<InspectedProcess> {
    // A process that executes itself again listens once more.
    const url = [...running.output().matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1]
    if (url === undefined) throw new Error('the process cannot be inspected')
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true })
      socket.addEventListener('error', reject, { once: true })
    })
    return new InspectedProcess(running.pid, socket)
  }

  /** Measures what is left after a garbage collection. */
  async measure(): Promise<Holdings> {
    await this.#call('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number }
    return {
      heapBytes: usedSize,
      residentBytes: await memoryBytes(this.#pid, 'VmRSS'),
      descriptors: (await readdir(`/proc/${this.#pid}/fd`)).length,
    }
  }

  async writeHeapSnapshot(path: string): Promise<void> {
    const file = createWriteStream(path)
    this.#snapshot = file
    await this.#call('HeapProfiler.takeHeapSnapshot')
    file.end()
    await once(file, 'finish')
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#calls
    return new Promise((resolve) => {
      this.#answers.set(id, (result) => {
        this.#answers.delete(id)
        resolve(result)
      })
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }
}
