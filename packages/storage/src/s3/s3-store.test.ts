import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { storeContent } from '../content/store-content.ts'
import { openStore } from '../open-store.ts'

const MEBIBYTE = 1024 ** 2

interface Reply {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** The commands of S3 that an upload in parts consists of, and what else is sent to an object. */
type Command = 'create' | 'part' | 'complete' | 'head' | 'abort' | 'delete' | 'list-uploads' | 'list-parts'

function commandOf({ method, url = '' }: IncomingMessage): Command | undefined {
  const query = new URL(url, 'http://localhost').searchParams
  if (method === 'POST') return query.has('uploads') ? 'create' : 'complete'
  if (method === 'PUT') return 'part'
  if (method === 'HEAD') return 'head'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort' : 'delete'
  if (method === 'GET' && query.has('uploads')) return 'list-uploads'
  return method === 'GET' && query.has('uploadId') ? 'list-parts' : undefined
}

/** Starts a server that answers commands, and returns a store there and the commands that it received. */
async function storeAt(replyTo: (command: Command | undefined) => Reply) {
  const received: (Command | undefined)[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => {
      const command = commandOf(request)
      received.push(command)
      const { status, headers, body } = replyTo(command)
      response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = { type: 's3', endpoint, bucket: 'b', accessKeyId: 'key', secretAccessKey: 'secret' } as const
  return { store: openStore(settings, { retry: false }), received }
}

test.each(['', '""'])(
  'an ETag that the store leaves empty (%j) is not compared with that of the object',
  async (etag) => {
    const sizeBytes = 6 * MEBIBYTE
    const replies: Partial<Record<Command, Reply>> = {
      create: {
        status: 200,
        body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
      },
      part: { status: 200, headers: { etag: '"of-a-part"' } },
      complete: {
        status: 200,
        body: `<CompleteMultipartUploadResult><Key>a</Key><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
      },
      head: {
        status: 200,
        headers: {
          etag: '"of-the-object-2"',
          'last-modified': 'Fri, 27 Nov 2026 12:00:00 GMT',
          'content-length': String(sizeBytes),
        },
      },
    }
    const { store, received } = await storeAt((command) => (command && replies[command]) ?? { status: 204 })
    const content = Readable.from([randomBytes(sizeBytes)], { objectMode: false })
    await expect(storeContent(store, 'a', content, { compression: 'none', recipients: [] })).resolves.toMatchObject({
      sizeBytes,
    })
    expect(received).toEqual(['create', 'part', 'part', 'complete', 'head'])
  },
)
