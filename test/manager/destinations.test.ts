import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { ApiError } from '@osb-backup/client'
import type { StoreSettings } from '@osb-backup/protocol/v1'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { makePlaces, places } from '../main-job/places.ts'

const instanceId = 'i-1'
let stack: AsyncDisposableStack
let manager: ManagerProcess
let strict: ManagerProcess
let where: ReturnType<typeof places>
/** What a server that is only as much of S3 as an error is answers. */
let s3Error = { status: 500, code: '' }
let s3ErrorUrl: string

async function startManager(name: string, settings: Record<string, string>) {
  const folder = stack.use(await makeTemporaryFolder()).path
  const started = await startManagerProcess({ DATA_DIR: join(folder, name), ...settings })
  stack.defer(() => started.stop())
  await registerInstance(started.client, instanceId, unreachableAgent)
  return started
}

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  await makePlaces()
  where = places('/nowhere')
  const server = createServer((request, response) => {
    request.resume()
    const { status, code } = s3Error
    response
      .writeHead(status, { 'content-type': 'application/xml' })
      .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  s3ErrorUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  manager = await startManager('usual', {})
  strict = await startManager('strict', { PRIVATE_DESTINATIONS: 'forbid' })
})

afterAll(() => stack.disposeAsync())

/** What the manager says of a destination. */
async function check(store: StoreSettings): Promise<string> {
  const settings = { instanceId, name: 'checked', store }
  return manager.client.destinations.checkSettings(settings).then(
    ({ usable }) => (usable ? 'works' : ''),
    (error: ApiError) => `${error.status} ${error.message}`,
  )
}

describe('checking a destination', () => {
  test('writes, reads back and removes an object', async () => {
    expect(await check(where.s3.destination.store)).toBe('works')
    expect(await check(where.swift.destination.store)).toBe('works')
  })

  test('says in one sentence what is wrong, at S3', async () => {
    const { store } = where.s3.destination
    const { tlsEndpoint } = inject('lab').s3
    const failures = [
      [
        { endpoint: 'http://no-such-host.invalid' },
        /^400 Writing a test object failed: DNS knows no host of that name/,
      ],
      [{ endpoint: 'http://127.0.0.1:1' }, /nothing answers at http:\/\/127\.0\.0\.1:1/],
      [{ endpoint: tlsEndpoint }, /no TLS connection to https:\S+ can be trusted: check its certificate/],
      [{ endpoint: store.endpoint.replace('http:', 'https:') }, /no TLS connection .* whether it speaks https/],
      [{ authSecret: 'wrong' }, /the credentials are wrong/],
      [{ authKey: 'unknown' }, /the credentials are wrong/],
      [{ bucket: 'no-such-bucket' }, /there is no bucket "no-such-bucket": create it/],
    ] as const
    for (const [fields, sentence] of failures) {
      const said = await check({ ...store, ...fields })
      expect(said).toMatch(sentence)
      expect(said).not.toContain(store.authSecret)
    }
    const answers = [
      [403, 'AccessDenied', /lack the permission to write in the bucket/],
      [403, 'RequestTimeTooSkewed', /the clocks of the manager and of the store differ too much/],
      [301, 'PermanentRedirect', /is in another region than "us-east-1"/],
      [400, 'AuthorizationHeaderMalformed', /is in another region than/],
    ] as const
    for (const [status, code, sentence] of answers) {
      s3Error = { status, code }
      expect(await check({ ...store, endpoint: s3ErrorUrl, region: '' })).toMatch(sentence)
    }
  })

  test('does not mistake a login page that answers everything with 200 for a store', async () => {
    await using proxy = await startFaultsProxy(where.s3.destination.store.endpoint)
    const headers = { 'content-type': 'text/html', etag: '"65f0"', 'last-modified': 'Tue, 03 Feb 2026 04:05:06 GMT' }
    proxy.spoil(() => ({ kind: 'answer', status: 200, headers, body: '<html><body>Please log in</body></html>' }))
    const s3 = { ...where.s3.destination.store, endpoint: proxy.origin }
    expect(await check(s3)).toMatch(/^400 Writing a test object failed: .*what answers there is not S3/)
    const swift = { ...where.swift.destination.store, authUrl: `${proxy.origin}/v3` }
    expect(await check(swift)).toMatch(/^400 Writing a test object failed: .*what answers there is not Swift/)
    expect(proxy.requests).toBeLessThan(10)
  })

  test('says in one sentence what is wrong, at Swift', async () => {
    const { store } = where.swift.destination
    const failures = [
      [{ authUrl: 'http://no-such-host.invalid/v3' }, /DNS knows no host of that name/],
      [{ authUrl: 'http://127.0.0.1:1/v3' }, /nothing answers at/],
      [{ authUrl: store.authUrl.replace('http:', 'https:') }, /no TLS connection to/],
      [{ password: 'wrong' }, /the credentials are wrong: user, password, domain or project/],
      [{ container: 'no-such-container' }, /there is no container "no-such-container"/],
    ] as const
    for (const [fields, sentence] of failures) expect(await check({ ...store, ...fields })).toMatch(sentence)
  })
})

describe('addresses that the operator does not allow', () => {
  const storeAt = (endpoint: string) => ({ kind: 's3', endpoint, bucket: 'b', authKey: 'k', authSecret: 's' }) as const
  const s3 = (endpoint: string) => ({ instanceId, name: 's3', store: storeAt(endpoint) })

  test.for([
    ...[
      'http://169.254.169.254',
      'http://2852039166',
      'http://0xa9fea9fe',
      'http://0251.0376.0251.0376',
      '169.254.43518',
    ],
    ...['http://[::ffff:169.254.169.254]', 'http://[fe80::1]', 'http://[fd00:ec2::254]', 'http://[64:ff9b::a9fe:a9fe]'],
  ])('%s is refused when a destination is created, changed or checked', async (endpoint) => {
    const refused = { status: 400, field: 'store.endpoint' }
    const { client } = manager
    await expect(client.destinations.create(s3(endpoint))).rejects.toMatchObject(refused)
    await expect(client.destinations.checkSettings(s3(endpoint))).rejects.toMatchObject(refused)
    const { id } = await client.destinations.create(s3('http://127.0.0.1:9'))
    await expect(client.destinations.update(id, { store: storeAt(endpoint) })).rejects.toMatchObject(refused)
  })

  test('what is no URL is refused', async () => {
    await expect(manager.client.destinations.create(s3('http://'))).rejects.toMatchObject({
      status: 400,
      field: 'store.endpoint',
    })
  })

  test('private ones are allowed unless a setting forbids them, by name and by number', async () => {
    for (const endpoint of ['http://127.0.0.1:9', 'http://localhost:9', 'http://10.0.0.7', 'http://[::1]:9']) {
      expect((await manager.client.destinations.create(s3(endpoint))).id).toBeDefined()
      await expect(strict.client.destinations.create(s3(endpoint))).rejects.toMatchObject({
        message: 'endpoint leads to an address that the operator does not allow.',
      })
    }
    expect((await strict.client.destinations.create(s3('http://8.8.8.8'))).id).toBeDefined()
  })

  test('are not connected to either where a catalog of Keystone leads there', async () => {
    const keystone = createServer((request, response) => {
      request.resume()
      const now = Date.now()
      response.writeHead(201, { 'content-type': 'application/json', 'x-subject-token': 't' }).end(
        JSON.stringify({
          token: {
            issued_at: new Date(now).toISOString(),
            expires_at: new Date(now + 60_000).toISOString(),
            catalog: [
              {
                type: 'object-store',
                endpoints: [{ interface: 'public', url: 'http://169.254.169.254/v1/AUTH_x' }],
              },
            ],
          },
        }),
      )
    })
    await new Promise<void>((resolve) => keystone.listen(0, '127.0.0.1', resolve))
    const authUrl = `http://127.0.0.1:${(keystone.address() as AddressInfo).port}/v3`
    expect(await check({ ...where.swift.destination.store, authUrl })).toMatch(
      /the operator does not allow the address/,
    )
    keystone.close()
  })
})
