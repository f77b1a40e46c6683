import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { openStore, StoreError, type StoreSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let port: number
let connections = 0
const server = createTcpServer((socket) => {
  connections += 1
  socket.on('error', () => undefined)
  socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
})

const s3 = (endpoint: string): StoreSettings => ({
  type: 's3',
  endpoint,
  bucket: 'b',
  accessKeyId: 'k',
  secretAccessKey: 's',
})
const swift = (authUrl: string): StoreSettings => ({
  type: 'swift',
  authUrl,
  domain: 'd',
  projectName: 'p',
  username: 'u',
  password: 'p',
  container: 'c',
})
const notLoopback = (address: string) => !['127.0.0.1', '::1'].includes(address)

async function codesOf(settings: StoreSettings, mayConnectTo: (address: string) => boolean): Promise<unknown[]> {
  const error = await openStore(settings, { retry: false, mayConnectTo })
    .head('object')
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreError)
  const cause = (error as StoreError).cause
  return [(error as StoreError).code, cause instanceof Error && 'code' in cause ? cause.code : undefined]
}

describe.each([
  ['S3', s3],
  ['Swift', swift],
] as const)('%s', (_name, settings) => {
  test.for(['localhost', '127.0.0.1'])('does not connect to %s if the rule rejects its address', async (host) => {
    for (const scheme of ['http', 'https']) {
      connections = 0
      expect(await codesOf(settings(`${scheme}://${host}:${port}`), notLoopback)).toEqual([
        'misconfigured',
        'ERR_ADDRESS_FORBIDDEN',
      ])
      expect(connections).toBe(0)
    }
  })

  test('connects where the rule allows it, and follows no redirect', async () => {
    let followed = 0
    const other = createServer((_request, response) => {
      followed += 1
      response.end()
    })
    await listen(other)
    const redirecting = createServer((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${portOf(other)}/` }).end()
    })
    await listen(redirecting)
    connections = 0
    expect((await codesOf(settings(`http://localhost:${port}`), () => true))[0]).toBe('temporary')
    expect(connections).toBe(1)
    await codesOf(settings(`http://127.0.0.1:${portOf(redirecting)}`), () => true)
    expect(followed).toBe(0)
    other.close()
    redirecting.close()
  })
})

function listen(http: Server): Promise<void> {
  return new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
}

function portOf(http: Server): number {
  return (http.address() as AddressInfo).port
}
