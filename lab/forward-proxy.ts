import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** A proxy as companies have them between their machines and the internet. */
export interface ForwardProxy extends AsyncDisposable {
  readonly url: string
  /** Hosts that it was asked for, `CONNECT host:port` or the URL. */
  readonly asked: readonly string[]
}

/** Starts a proxy on a free port: tunnels for CONNECT, and plain http by absolute URL. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const asked: string[] = []
  const tunnels = new Set<Socket>()
  const server = createServer(async (request, response) => {
    asked.push(request.url ?? '')
    const forwarded = send(request.url ?? '', { method: request.method, headers: request.headers, agent: false })
    forwarded.on('response', (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, incoming.rawHeaders)
      pipeline(incoming, response).catch(() => response.destroy())
    })
    await pipeline(request, forwarded).catch(() => response.destroy())
  })
  server.on('connect', (request, client: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    const [host, port] = (request.url ?? '').split(':')
    const upstream = connect(Number(port), hostOf(host), () =>
      client.write('HTTP/1.1 200 Connection established\r\n\r\n'),
    )
    for (const socket of [client, upstream]) {
      tunnels.add(socket)
      socket.once('close', () => tunnels.delete(socket))
    }
    pipeline(client, upstream).catch(() => upstream.destroy())
    pipeline(upstream, client).catch(() => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of tunnels) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The names of a bucket below `localhost` are known to few resolvers. */
function hostOf(name = ''): string {
  return name.endsWith('.localhost') ? '127.0.0.1' : name
}
