import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Transform } from 'node:stream'
import { onTestFinished } from 'vitest'

/** A way to a real server that lets so many bytes through each way, and then nothing more until it is opened. */
export interface StallingProxy {
  endpoint: string
  /** Bytes that a caller sent, and that it was sent. */
  moved: { up: number; down: number }
  /** Lets everything through from now on. */
  open(): void
}

/**
 * Starts such a way.
 *
 * @param most - How many bytes pass; the rest waits, as on a line that is dead.
 */
export async function stallingProxy(endpoint: string, most: { up?: number; down?: number }): Promise<StallingProxy> {
  const { hostname, port } = new URL(endpoint)
  const moved = { up: 0, down: 0 }
  const waiting: (() => void)[] = []
  let isOpen = false
  const counted = (way: 'up' | 'down') =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const pass = () => done(null, chunk)
        moved[way] += chunk.length
        if (isOpen || moved[way] <= (most[way] ?? Number.POSITIVE_INFINITY)) pass()
        else waiting.push(pass)
      },
    })
  const server = createServer((caller) => {
    const target = connect(Number(port), hostname)
    for (const socket of [caller, target]) socket.on('error', () => [caller, target].map((each) => each.destroy()))
    caller.pipe(counted('up')).pipe(target)
    target.pipe(counted('down')).pipe(caller)
    caller.on('close', () => target.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    moved,
    open() {
      isOpen = true
      for (const pass of waiting.splice(0)) pass()
    },
  }
}
