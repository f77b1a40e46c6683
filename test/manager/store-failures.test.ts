import { randomUUID } from 'node:crypto'
import type { StoreSettings as WireStore } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { SwiftAccount } from '../storage/swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const bucket = `failures-${randomUUID()}`
const full = `${bucket}-full`
let fixture: Fixture
let s3Proxy: FaultsProxy
let keystoneProxy: FaultsProxy

beforeAll(async () => {
  // A job retries what may be temporary; none of these is.
  fixture = await startFixture({}, {}, { store_outage_seconds: '1' })
  s3Proxy = await startFaultsProxy(new URL(lab.s3.endpoint).origin)
  keystoneProxy = await startFaultsProxy(new URL(lab.swift.authUrl).origin)
  await account.makeContainer(bucket)
  await account.makeContainer(full, { quotaBytes: 1 })
})
afterAll(async () => {
  await s3Proxy[Symbol.asyncDispose]()
  await keystoneProxy[Symbol.asyncDispose]()
  await fixture[Symbol.asyncDispose]()
  for (const container of [bucket, full]) await account.removeContainer(container)
})

type S3Store = Extract<WireStore, { kind: 's3' }>
type SwiftStore = Extract<WireStore, { kind: 'swift' }>

function s3Store(fields: Partial<S3Store> = {}): WireStore {
  const { region, accessKeyId: authKey, secretAccessKey: authSecret } = lab.s3
  return { kind: 's3', endpoint: s3Proxy.origin, region, bucket, authKey, authSecret, ...fields }
}

function swiftStore(fields: Partial<SwiftStore> = {}): WireStore {
  const { domain, projectName, username, password } = lab.swift
  const authUrl = `${keystoneProxy.origin}/v3`
  return { kind: 'swift', authUrl, domain, projectName, username, password, container: bucket, ...fields }
}

/** What the check of a destination and a job that stores there say of a failure. */
async function failuresWith(store: WireStore) {
  const name = `destination ${randomUUID()}`
  const { status, body: problem } = await fixture.call('POST', '/v1/destinations/check', { instanceId, name, store })
  expect(status).toBe(400)
  const { id: destinationId } = await fixture.client.destinations.create({ instanceId, name, store })
  const { id } = await fixture.createPlan({ destinationId })
  const job = await fixture.runPlan(id)
  expect(job.state).toBe('failed')
  const [part] = job.parts
  return [
    { code: problem.failureCode as string, message: problem.detail as string },
    { code: part?.failureCode, message: part?.error ?? '' },
  ]
}

interface FailureCase {
  what: string
  store: () => WireStore
  code: string
  cause: RegExp
}

describe('a job says why a store refuses, as the check of the destination does', () => {
  const real: FailureCase[] = [
    {
      what: 'Keystone does not accept the password',
      store: () => swiftStore({ password: 'wrong' }),
      code: 'destination-credentials',
      cause: /password/,
    },
    {
      what: 'there is no login at the URL',
      store: () => swiftStore({ authUrl: `${keystoneProxy.origin}/nowhere/v3` }),
      code: 'destination-settings',
      cause: /there is no login of this version at the URL; check the auth URL \(404\)/,
    },
    {
      what: 'the Swift container is missing',
      store: () => swiftStore({ container: `missing-${randomUUID()}` }),
      code: 'destination-missing',
      cause: /there is no (such )?container/,
    },
    {
      what: 'the quota of the Swift container is used up',
      store: () => swiftStore({ container: full }),
      code: 'destination-full',
      cause: /no space or quota is left/,
    },
    {
      what: 'Swift has no such region',
      store: () => swiftStore({ region: 'else where' }),
      code: 'destination-region',
      cause: /no public object-store endpoint in region "else where" .*; it has one in /,
    },
    {
      what: 'the bucket is missing',
      store: () => s3Store({ bucket: `missing-${randomUUID()}` }),
      code: 'destination-missing',
      cause: /there is no (such )?bucket/,
    },
    {
      what: 'the region has a blank',
      store: () => s3Store({ region: 'eu west 1' }),
      code: 'destination-region',
      cause: /"eu west 1"/,
    },
  ]

  test.each(real)('$what', async ({ store, code, cause }) => {
    for (const proxy of [s3Proxy, keystoneProxy]) proxy.heal()
    const failures = await failuresWith(store())
    const expected = { code, message: expect.stringMatching(cause) }
    expect(failures).toEqual([expected, expected])
  })

  // Stand-ins: the proxy gives answers that the lab's servers do not give, as AWS and Keystone word them.
  const answered: (Omit<FailureCase, 'store'> & { status: number; name: string; headers?: Record<string, string> })[] =
    [
      {
        what: 'the clock is wrong',
        status: 403,
        name: 'RequestTimeTooSkewed',
        code: 'clock',
        cause: /clocks of .* differ/,
      },
      {
        what: 'access is denied',
        status: 403,
        name: 'AccessDenied',
        code: 'permission',
        cause: /credentials are valid, but/,
      },
      {
        what: 'the store does not implement a request',
        ...{ status: 501, name: 'NotImplemented', code: 'unsupported' },
        cause: /does not support that.*another attempt will not help/,
      },
      {
        what: 'the bucket is in another region',
        ...{ status: 301, name: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-7' } },
        code: 'region',
        cause: /"eu-central-7"; correct the region|"eu-central-7": correct the region/,
      },
    ]

  test.each(answered)('$what ($name)', async ({ status, name, code, cause, headers = {} }) => {
    s3Proxy.spoil(({ method }) => ({
      ...{ kind: 'answer', status },
      headers: { 'content-type': 'application/xml', 'x-amz-request-id': '1', ...headers },
      body: method === 'HEAD' ? '' : `<?xml version="1.0"?><Error><Code>${name}</Code><Message>m</Message></Error>`,
    }))
    const failures = await failuresWith(s3Store())
    const expected = { code: `destination-${code}`, message: expect.stringMatching(cause) }
    expect(failures).toEqual([expected, expected])
  })

  test('the user has no role in the project (Keystone answers 403)', async () => {
    const headers = { 'content-type': 'application/json' }
    keystoneProxy.spoil(() => ({ kind: 'answer', status: 403, headers, body: '{"error":{"code":403}}' }))
    const failures = await failuresWith(swiftStore())
    const cause = expect.stringMatching(/may not log in there, or has no role in the project|lack the permission/)
    const expected = { code: 'destination-permission', message: cause }
    expect(failures).toEqual([expected, expected])
  })
})
