import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore, removeWithManifest } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Fault, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { s3Destination, swiftDestination } from '../fixtures/lab-stores.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { agentWith, backupBody, formOne, formTwo, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent } from './crashing-agent.ts'

/** Longer than all attempts of a client that retries three times. */
const OUTAGE_MS = 5000
const megabytes = 30

const lab = inject('lab')
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const origin = new URL(endpoint).origin
const bucket = `agent-outages-${randomUUID()}`
const account = new SwiftAccount(lab.swift)
const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const store = openStore({ type: 's3', endpoint, bucket, accessKeyId, secretAccessKey })
const uploads = async () =>
  ((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).map(({ Key }) => Key)

const s3 = (at: string) => ({ ...s3Destination(bucket, at), skipSSL: true, filenamePrefix: 'plan/' })

beforeAll(() => client.send(new CreateBucketCommand({ Bucket: bucket })))
afterAll(async () => {
  for await (const { name } of store.list('')) await store.remove(name)
  for (const container of [`${bucket}+segments`, bucket]) await account.removeContainer(container)
})

/** A dump that does not compress; the script notes how long it took to write. */
const largeDump = `head -c ${megabytes}M /dev/urandom | tee "$(dirname "$0")/../dump"\n`
const settings = { store_outage_seconds: '60', store_timeout_seconds: '1' }

const faults: { what: string; fault: Fault }[] = [
  { what: '503 with Retry-After', fault: { kind: 'answer', status: 503, headers: { 'retry-after': '1' } } },
  { what: 'silence', fault: { kind: 'silence' } },
  { what: 'lost answers', fault: { kind: 'lose' } },
  { what: 'resets', fault: { kind: 'reset' } },
]

// They mostly wait for outages to end.
describe.concurrent.each(faults)('$what of a store for a while', ({ fault }) => {
  test('costs a backup and a restore only time', async ({ expect, onTestFinished }) => {
    await using proxy = await startFaultsProxy(origin)
    const beginOutage = (isMeant: (request: { method: string; url: string }) => boolean) => {
      let began = false
      proxy.spoil((request) => {
        if (!began && !isMeant(request)) return undefined
        if (!began) setTimeout(() => proxy.heal(), OUTAGE_MS)
        began = true
        return fault
      })
    }
    const under = await agentWith(formTwo({ backup: largeDump }), settings, onTestFinished)
    const destination = { ...s3(proxy.origin), filenamePrefix: `${randomUUID()}/` }
    beginOutage(({ method, url }) => method === 'PUT' && url.includes('partNumber=2'))
    await under.call('POST', '/backup', backupBody(under, 'b', { destination }))
    const { status, error_message, filename = '', sha256, filesize } = await under.over('backup', 'b')
    expect([status, error_message]).toEqual(['SUCCEEDED', undefined])
    // Also when the outage begins with the last call of all: the manifest.
    beginOutage(({ method, url }) => method === 'PUT' && url.includes('manifest.json'))
    await under.call('POST', '/backup', backupBody(under, 'm', { destination }))
    expect(await under.over('backup', 'm')).toMatchObject({ status: 'SUCCEEDED' })
    beginOutage(({ method, url }) => method === 'GET' && !url.includes('manifest.json'))
    const source = { destination: { ...destination, filename, sha256, size: filesize?.size } }
    await under.call('PUT', '/restore', restoreBody(under, 'r', { filename }, source))
    expect(await under.over('restore', 'r')).toMatchObject({ status: 'SUCCEEDED' })
    proxy.heal()
    expect(proxy.injected).toBeGreaterThan(2)
    const found = await store.head(`${destination.filenamePrefix}${filename}`)
    expect(found?.sizeBytes).toBe(megabytes * 1024 * 1024)
    for await (const { name } of store.list(destination.filenamePrefix)) await removeWithManifest(store, name)
  })
})

describe.concurrent('an upload that cannot be aborted', () => {
  /** Fails everything from the second part on, and removals from the start: those of an earlier job are retried meanwhile. */
  const breakDown = (proxy: Awaited<ReturnType<typeof startFaultsProxy>>) => {
    let parts = 0
    proxy.spoil(({ method, url }) => {
      if (method === 'PUT' && url.includes('partNumber')) parts++
      return parts > 1 || method === 'DELETE' ? { kind: 'answer', status: 503 } : undefined
    })
  }
  const impatient = { store_outage_seconds: '1', store_timeout_seconds: '1' }

  test('is aborted when the store is back, also if its job was deleted', async ({ expect, onTestFinished }) => {
    await using proxy = await startFaultsProxy(origin)
    const under = await agentWith(formTwo({ backup: largeDump }), impatient, onTestFinished)
    const destination = { ...s3(proxy.origin), filenamePrefix: `${randomUUID()}/` }
    const mine = async () => (await uploads()).filter((key) => key?.startsWith(destination.filenamePrefix))
    for (const id of ['kept', 'deleted']) {
      breakDown(proxy)
      await under.call('POST', '/backup', backupBody(under, id, { destination }))
      const job = await under.over('backup', id)
      expect(job.status).toBe('FAILED')
      expect(job.error_message).toMatch(/503\)\. It failed for \d+ s\..* may be left in .*; their removal is retried/s)
    }
    expect(await mine()).toHaveLength(2)
    await under.call('DELETE', '/backup', { id: 'deleted' })
    expect((await under.call('GET', '/backup/deleted')).status).toBe(200)
    const journal = async () => {
      const names = (await readdir(join(under.root, 'state'))).filter((name) => /^backup-.*\.json$/.test(name))
      return Promise.all(names.map((name) => readFile(join(under.root, 'state', name), 'utf8')))
    }
    expect((await journal()).filter((text) => text.includes(secretAccessKey))).toHaveLength(2)
    proxy.heal()
    await until(async () => (await mine()).length === 0, 'the uploads are aborted')
    await until(async () => (await journal()).every((text) => !text.includes(secretAccessKey)), 'no secret is kept')
    await expect.poll(async () => (await journal()).length).toBe(1)
    await expect.poll(async () => (await under.call('GET', '/backup/deleted')).status).toBe(404)
    expect((await under.over('backup', 'kept')).error_message).not.toContain('may be left')
  })

  test('is aborted after a restart', async ({ expect, onTestFinished }) => {
    await using proxy = await startFaultsProxy(origin)
    const agent = await CrashingAgent.prepare(formTwo({ backup: largeDump }), impatient, onTestFinished)
    await agent.start()
    const destination = { ...s3(proxy.origin), filenamePrefix: `${randomUUID()}/` }
    const mine = async () => (await uploads()).filter((key) => key?.startsWith(destination.filenamePrefix))
    breakDown(proxy)
    const database = { host: 'h', username: 'u', password: 'p', database: 'db', type: 'AGENT' }
    await agent.call('POST', '/backup', { id: 'x', encryption_key: 'none', destination, backup: database })
    expect((await agent.over('backup', 'x')).status).toBe('FAILED')
    await agent.kill()
    expect(await mine()).toHaveLength(1)
    proxy.heal()
    await agent.start()
    await until(async () => (await mine()).length === 0, 'the upload is aborted')
  })
})

describe.each([
  [1, formOne],
  [2, formTwo],
] as const)('form %i: an endpoint that answers everything with 200', (_form, scripts) => {
  const page = '<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in</body></html>'
  const headers = { 'content-type': 'text/html', etag: '"65f0"', 'last-modified': 'Tue, 03 Feb 2026 04:05:06 GMT' }
  const swift = { ...swiftDestination(bucket), filenamePrefix: 'plan/' }

  test('fails backups and restores after a few requests', async () => {
    await using proxy = await startFaultsProxy(origin)
    proxy.spoil(() => ({ kind: 'answer', status: 200, headers, body: page }))
    const under = await agentWith(scripts())
    for (const destination of [s3(proxy.origin), { ...swift, authUrl: `${proxy.origin}/v3` }]) {
      const id = destination.type
      const before = proxy.requests
      await under.call('POST', '/backup', backupBody(under, id, { destination }))
      const backup = await under.over('backup', id)
      expect(backup).toMatchObject({ status: 'FAILED', error_message: expect.stringMatching(/perhaps a login page/) })
      const source = { destination: { ...destination, filename: 'a.dump' } }
      await under.call('PUT', '/restore', restoreBody(under, id, { filename: 'a.dump' }, source))
      const restore = await under.over('restore', id)
      expect(restore).toMatchObject({ status: 'FAILED', error_message: expect.stringMatching(/perhaps a login page/) })
      expect(proxy.requests - before).toBeLessThan(10)
    }
  })
})

test('a store that has every name is not asked for names without end', async () => {
  await using proxy = await startFaultsProxy(origin)
  const headers = { etag: '"65f0"', 'last-modified': 'Tue, 03 Feb 2026 04:05:06 GMT', 'x-amz-request-id': 'tx1' }
  proxy.spoil(() => ({ kind: 'answer', status: 200, headers, body: '' }))
  const under = await agentWith(formTwo())
  await under.call('POST', '/backup', backupBody(under, 'x', { destination: s3(proxy.origin) }))
  const { status, error_message } = await under.over('backup', 'x')
  expect(status).toBe('FAILED')
  expect(error_message).toContain('has an object for each of the 100 names that were tried')
  expect(proxy.requests).toBe(100)
})
