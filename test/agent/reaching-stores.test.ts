import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startForwardProxy } from '../../lab/forward-proxy.ts'
import { swiftDestination } from '../fixtures/lab-stores.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { type AgentUnderTest, agentWith, backupBody, formTwo, restoreBody } from './agent-under-test.ts'
import { CrashingAgent, notedScript, scriptsOf } from './crashing-agent.ts'

const lab = inject('lab')
const { accessKeyId, secretAccessKey, tlsEndpoint, endpoint } = lab.s3
const account = new SwiftAccount(lab.swift)
const bucket = `reach-${randomUUID()}`
const store = openStore({ type: 's3', endpoint, bucket, accessKeyId, secretAccessKey })
const s3 = { type: 'S3', bucket, authKey: accessKeyId, authSecret: secretAccessKey, filenamePrefix: 'p/' }
const secure = { ...s3, endpoint: tlsEndpoint }
const swift = { ...swiftDestination(bucket), filenamePrefix: 'swift/' }

beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  for await (const { name } of store.list('')) await store.remove(name)
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const scripts = formTwo({ backup: 'head -c 300000 /dev/urandom | tee "$(dirname "$0")/../dump"\n' })

/** Backs up to a destination and restores from it. @returns The end of the backup, where that failed. */
async function roundTrip(under: AgentUnderTest, destination: object): Promise<string | undefined> {
  const id = randomUUID()
  expect(await under.call('POST', '/backup', backupBody(under, id, { destination }))).toMatchObject({ status: 201 })
  const job = await under.over('backup', id)
  if (job.status !== 'SUCCEEDED') return job.error_message
  const source = { destination: { ...destination, filename: job.filename, sha256: job.sha256 } }
  await under.call('PUT', '/restore', restoreBody(under, id, { filename: '' }, source))
  expect(await under.over('restore', id)).toMatchObject({ status: 'SUCCEEDED' })
  expect(await under.read('restored')).toBe(await under.read('dump'))
  return undefined
}

test('a store with an unknown certificate is rejected, unless a setting or the request trusts it', async () => {
  const ca_certificate = await readFile(lab.s3.ca, 'utf8')
  const plain = await agentWith(scripts)
  expect(await roundTrip(plain, secure)).toMatch(/certificate/)
  expect(await roundTrip(plain, { ...secure, ca_certificate })).toBeUndefined()
  expect(await roundTrip(plain, { ...secure, insecure_tls: true })).toBeUndefined()
  const trusting = await agentWith(scripts, { store_ca_file: lab.s3.ca })
  expect(await roundTrip(trusting, secure)).toBeUndefined()
  const wrong = { destination: { ...secure, ca_certificate: '-----BEGIN CERTIFICATE-----\nx' } }
  expect((await plain.call('POST', '/backup', backupBody(plain, 'x', wrong))).json.error_message).toMatch(
    /^destination.ca_certificate must be certificates in PEM/,
  )
  await expect(agentWith(scripts, { store_ca_file: '/nowhere' })).rejects.toThrow(/^store_ca_file cannot be read/)
  await expect(agentWith(scripts, { store_ca_file: join(import.meta.dirname, 'storm.test.ts') })).rejects.toThrow(
    'store_ca_file must hold certificates in PEM: there is none in it.',
  )
})

test.each([
  ['HTTPS_PROXY', secure, `CONNECT ${new URL(tlsEndpoint).host}`],
  ['https_proxy', secure, `CONNECT ${new URL(tlsEndpoint).host}`],
  ['HTTP_PROXY', { ...s3, endpoint }, new URL(endpoint).host],
  ['HTTP_PROXY', swift, new URL(swift.authUrl).host],
])('%s is the way to stores', async (name, destination, asked) => {
  await using proxy = await startForwardProxy()
  const settings = { store_ca_file: lab.s3.ca, [name]: proxy.url }
  expect(await roundTrip(await agentWith(scripts, settings), destination)).toBeUndefined()
  expect(proxy.asked.join(' ')).toContain(asked)
  const before = proxy.asked.length
  const without = await agentWith(scripts, { ...settings, NO_PROXY: 'example.org,127.0.0.1' })
  expect(await roundTrip(without, destination)).toBeUndefined()
  expect(proxy.asked).toHaveLength(before)
})

test('the bucket is part of the host name if the request says so', async () => {
  await using proxy = await startForwardProxy()
  const under = await agentWith(scripts, { HTTPS_PROXY: proxy.url })
  const byName = tlsEndpoint.replace('127.0.0.1', 'localhost')
  const destination = { ...s3, endpoint: byName, path_style: false, insecure_tls: true }
  expect(await roundTrip(under, destination)).toBeUndefined()
  expect(proxy.asked[0]).toContain(`${bucket}.localhost`)
})

/** Backs up a megabyte to each place at the same time. @returns How long the last of them took, in ms. */
async function takeTurns(under: AgentUnderTest, destinations: object[]): Promise<number> {
  const startedAt = performance.now()
  const ends = destinations.map(async (destination, index) => {
    const body = backupBody(under, `${index}`, { destination })
    // Of databases of their own: jobs of one run one after the other.
    await under.call('POST', '/backup', { ...body, backup: { ...body.backup, database: `db${index}` } })
    expect(await under.over('backup', `${index}`)).toMatchObject({ status: 'SUCCEEDED' })
  })
  await Promise.all(ends)
  return performance.now() - startedAt
}

test('all transfers of an agent, and all of a destination, share their bandwidth', async () => {
  const dump = formTwo({ backup: 'head -c 1048576 /dev/urandom\n' })
  const inDirectory = (under: AgentUnderTest, limit?: number) => ({
    type: 'FILE',
    directory: under.bucket,
    bandwidth_limit_bytes_per_second: limit,
  })
  const limited = await agentWith(dump, { bandwidth_limit_kib_per_second: '1024' })
  expect(await takeTurns(limited, [inDirectory(limited), { ...s3, endpoint }])).toBeGreaterThan(1700)
  const free = await agentWith(dump)
  const slow = inDirectory(free, 1024 * 1024)
  expect(await takeTurns(free, [slow, slow])).toBeGreaterThan(1700)
  const refusal = backupBody(free, 'x', { destination: inDirectory(free, 0) })
  expect((await free.call('POST', '/backup', refusal)).json.error_message).toMatch(/must be at least 1$/)
})

test('the orphans of a crash are removed over the same proxy, with the same trusted CAs', async () => {
  await using proxy = await startForwardProxy()
  const settings = { store_ca_file: lab.s3.ca, HTTPS_PROXY: proxy.url }
  const held = { backup: notedScript('backup', 'head -c 70000000 /dev/zero\n', true) }
  const agent = await CrashingAgent.prepare({ ...scriptsOf(2, 'backup'), ...held }, settings)
  await agent.start()
  const database = { host: 'h', username: 'u', password: 'db-password-3', database: 'd' }
  const destination = { ...secure, filenamePrefix: 'crash/' }
  await agent.call('POST', '/backup', { id: 'x', encryption_key: 'none', destination, backup: database })
  // Not only that it was begun: its id is journaled before it has parts, and only then it is known to be the agent's.
  const hasParts = async () => (await account.list(`${bucket}+segments`)).some(({ bytes }) => bytes > 0)
  await expect.poll(hasParts).toBe(true)
  await agent.kill()
  await agent.start()
  expect((await agent.over('backup', 'x')).error_message).toBe('agent was restarted during backup')
  expect(await account.list(`${bucket}+segments`)).toEqual([])
})
