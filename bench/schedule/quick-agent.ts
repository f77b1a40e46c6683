import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What speaks as an agent and does the least an agent can: what is measured is the manager. */
export interface QuickAgent {
  url: string
  /** When each job came, by the id of its job at the manager; milliseconds since 1970. */
  arrivals: Map<string, number>
  close(): void
}

/** Starts one. Each backup is one small file, and over when it is asked after for the first time. */
export async function startQuickAgent(): Promise<QuickAgent> {
  const arrivals = new Map<string, number>()
  const results = new Map<string, object>()
  const server = createServer(async (request, response) => {
    const answer = (status: number, body?: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
    const body = await text(request)
    if (request.method === 'POST') {
      const { id, destination } = JSON.parse(body) as {
        id: string
        destination: { directory: string; filenamePrefix: string }
      }
      arrivals.set(id.slice(0, -1), Date.now())
      const filename = `10.0.0.5_${id}.dump`
      const path = join(destination.directory, destination.filenamePrefix, filename)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, 'dump')
      results.set(id, { status: 'SUCCEEDED', type: 'BACKUP', filename, filesize: { size: 4, unit: 'byte' } })
      answer(201)
    } else if (request.method === 'GET') {
      const result = results.get(request.url?.split('/').at(-1) ?? '')
      answer(result ? 200 : 404, result)
    } else {
      answer(200)
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    arrivals,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
