import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { agentContender, startAgent } from './agent-contender.ts'
import { makeTar } from './data.ts'
import { median, type Taken } from './measure.ts'
import type { Place } from './place.ts'

/** A way to a server that takes time. */
interface SlowWay extends AsyncDisposable {
  origin: string
}

/** Starts a proxy that passes on everything after half of the latency, in both directions. */
async function startSlowWay(upstream: URL, latencyMs: number): Promise<SlowWay> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(upstream.port), upstream.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
      from.on('data', (chunk) => {
        setTimeout(() => {
          if (!to.writable || to.write(chunk) || from.isPaused()) return
          from.pause()
          to.once('drain', () => from.resume())
        }, latencyMs / 2)
      })
      from.on('end', () => setTimeout(() => to.end(), latencyMs / 2))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Moves a file over ways with and without latency, in turns: parallel parts and ranges should hide it. */
export async function benchLatency(
  place: Place,
  latencyMs: number,
  { sizeBytes, repeats }: { sizeBytes: number; repeats: number },
): Promise<void> {
  const { lab, folder, environment } = place
  const input = await makeTar(folder, sizeBytes)
  const upstream = new URL(lab.s3.endpoint)
  await using direct = await startSlowWay(upstream, 0)
  await using slow = await startSlowWay(upstream, latencyMs)
  const agent = await startAgent(folder)
  try {
    const ways = [
      { name: 'none', origin: direct.origin },
      { name: `${latencyMs} ms`, origin: slow.origin },
    ].map(({ name, origin }) => {
      const through = { ...lab, s3: { ...lab.s3, endpoint: origin } }
      const contender = agentContender(agent, through, { name, group: 'as it is', transforms: { compression: false } })
      return { name, contender, store: [] as Taken[], restore: [] as Taken[] }
    })
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const { contender, store, restore } of ways) {
        const env = { ...environment, INPUT: input, OUTPUT: join(folder, 'restored'), NAME: randomUUID() }
        store.push(await contender.store(env))
        restore.push(await contender.restore(env))
      }
    }
    console.log(
      `### ${(sizeBytes / 1e6).toFixed(0)} MB as it is, over a way with added latency, middle of ${repeats}\n`,
    )
    console.log('| latency | store MB/s | restore MB/s |\n|--:|--:|--:|')
    const speed = (taken: readonly Taken[]) =>
      (sizeBytes / 1e6 / median(taken.map(({ seconds }) => seconds))).toFixed(0)
    for (const { name, store, restore } of ways) console.log(`| ${name} | ${speed(store)} | ${speed(restore)} |`)
  } finally {
    await agent.stop()
  }
}
