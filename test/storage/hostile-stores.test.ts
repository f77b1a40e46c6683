import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openStore, StoreError, type StoreSettings } from '@osb-backup/storage'
import { expect, onTestFinished, test } from 'vitest'

/** Serves answers until the end of the test. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const s3 = (endpoint: string): StoreSettings => ({
  type: 's3',
  endpoint,
  bucket: 'b',
  accessKeyId: 'k',
  secretAccessKey: 's',
})
const swift = (authUrl: string, container = 'c'): StoreSettings => ({
  type: 'swift',
  authUrl,
  domain: 'd',
  projectName: 'p',
  username: 'u',
  password: 'p',
  container,
})

/** Answers without end, and counts what was taken. */
function flood(status: number, contentType = 'application/xml'): { listener: RequestListener; sentBytes(): number } {
  const block = Buffer.alloc(64 * 1024, ' ')
  let sent = 0
  return {
    listener: (_request, response) => {
      response.writeHead(status, { 'content-type': contentType, 'x-amz-request-id': '1' })
      const send = () => {
        while (!response.destroyed && sent < 1e9) {
          sent += block.length
          if (!response.write(block)) return
        }
        response.end()
      }
      response.on('drain', send)
      send()
    },
    sentBytes: () => sent,
  }
}

async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}

const first = async (settings: StoreSettings) => {
  for await (const found of openStore(settings, { retry: false }).list('')) return found
  return undefined
}
const read = (settings: StoreSettings) => openStore(settings, { retry: false }).get('object')

test.for([
  ['S3', s3, 503, 'temporary', read],
  ['S3', s3, 403, 'denied', first],
  ['S3', s3, 200, 'misconfigured', first],
  ['Keystone', swift, 503, 'temporary', first],
  ['Keystone', swift, 401, 'denied', first],
  ['Keystone', swift, 201, 'misconfigured', first],
] as const)(
  'an endless answer of %s with status $2 is not read to its end',
  async ([, settings, status, code, call]) => {
    const { listener, sentBytes } = flood(status)
    const url = await serve(listener)
    expect((await failureOf(call(settings(url)))).code).toBe(code)
    expect(sentBytes()).toBeLessThan(100e6)
  },
)

/** A Keystone whose catalog leads to a URL. */
const keystone =
  (catalogUrl: (own: string) => string, seen: string[]): RequestListener =>
  (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    const own = `http://${request.headers.host}`
    if (!request.url?.startsWith('/v3/auth/tokens')) {
      response.writeHead(204, { 'x-container-object-count': '0' }).end()
      return
    }
    const endpoints = [{ interface: 'public', region: 'r', region_id: 'r', url: catalogUrl(own) }]
    const issued_at = new Date().toISOString()
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    response.writeHead(201, { 'x-subject-token': 'token', 'content-type': 'application/json' })
    response.end(JSON.stringify({ token: { issued_at, expires_at, catalog: [{ type: 'object-store', endpoints }] } }))
  }

test.for([
  (own: string) => `${own}/admin/delete-everything?`,
  (own: string) => `${own}/admin/delete-everything#`,
  (own: string) => `${own.replace('//', '//user:password@')}/v1/AUTH_p`,
  (own: string) => `${own}\\@elsewhere.example/v1`,
  () => 'file:///etc/passwd',
  () => 'no URL',
])('a Swift URL in a catalog that is no plain one leads nowhere', async (catalogUrl) => {
  const seen: string[] = []
  const url = await serve(keystone(catalogUrl, seen))
  const error = await failureOf(openStore(swift(url), { retry: false }).remove('object'))
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('plain URL') })
  expect(seen).toEqual(['POST /v3/auth/tokens'])
})

test('a container cannot be named so that requests leave the project', async () => {
  const seen: string[] = []
  const url = await serve(keystone((own) => `${own}/v1/AUTH_p`, seen))
  const error = await failureOf(openStore(swift(url, '..'), { retry: false }).remove('object'))
  expect(error.code).toBe('misconfigured')
  expect(seen).toEqual([])
})

test.for([
  (url: string) => swift(`${url}/v3?`),
  (url: string) => swift(`${url}/#`),
  (url: string) => s3(`${url}/?x=`),
  (url: string) => s3(`${url}/#`),
])('neither a query nor a fragment is part of the URL of a store', async (settings) => {
  let requests = 0
  const url = await serve((_request, response) => {
    requests += 1
    response.end()
  })
  const error = await failureOf((async () => openStore(settings(url), { retry: false }).remove('object'))())
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('plain URL') })
  expect(requests).toBe(0)
})

test('a catalog that is followed is judged by the address rule as well', async () => {
  const seen: string[] = []
  const url = await serve(keystone(() => 'http://169.254.169.254/v1/AUTH_p', seen))
  const mayConnectTo = (address: string) => !address.startsWith('169.254.')
  const error = await failureOf(openStore(swift(url), { retry: false, mayConnectTo }).remove('object'))
  expect(error.code).toBe('misconfigured')
  expect(error.cause).toMatchObject({ code: 'ERR_ADDRESS_FORBIDDEN' })
})
