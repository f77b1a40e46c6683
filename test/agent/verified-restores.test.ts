import { randomUUID } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { AgentJob } from '@osb-backup/protocol'
import { generateAgeKeys, openStore, storeContent } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { s3Destination } from '../fixtures/lab-stores.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { type AgentUnderTest, agentWith, backupBody, formOne, formTwo, restoreBody } from './agent-under-test.ts'

const mebibyte = 1024 * 1024
const sizeBytes = 20 * mebibyte
const lab = inject('lab')
const { endpoint, accessKeyId, secretAccessKey } = lab.s3
const bucket = `verified-${randomUUID()}`
const account = new SwiftAccount(lab.swift)
beforeAll(() => account.makeContainer(bucket))
afterAll(async () => {
  const store = openStore({ type: 's3', endpoint, bucket, accessKeyId, secretAccessKey })
  for await (const { name } of store.list('')) await store.remove(name)
  for (const container of [`${bucket}+segments`, bucket]) await account.removeContainer(container)
})

const dump = { backup: `head -c ${sizeBytes} /dev/urandom | tee "$(dirname "$0")/../dump"\n` }

/** What the agent reported of a backup, as a manager sends it with a restore. */
const recordedOf = ({ filename = '', filesize, sha256, root }: AgentJob) => ({
  filename,
  ...(filesize && { size: filesize.size }),
  ...(sha256 === undefined ? {} : { sha256 }),
  ...(root === undefined ? {} : { root }),
})

async function backUp(under: AgentUnderTest, changes: Record<string, unknown> = {}): Promise<AgentJob> {
  await under.call('POST', '/backup', backupBody(under, 'b', changes))
  const job = await under.over('backup', 'b')
  expect([job.status, job.error_message]).toEqual(['SUCCEEDED', undefined])
  return job
}

async function restore(
  under: AgentUnderTest,
  source: ReturnType<typeof recordedOf>,
  changes: { destination?: object; encryption_key?: string } = {},
): Promise<AgentJob> {
  const { destination = { type: 'FILE', directory: under.bucket }, ...more } = changes
  const body = { ...more, destination: { filenamePrefix: 'plan/', ...destination, ...source } }
  const id = randomUUID()
  await under.call('PUT', '/restore', restoreBody(under, id, source, body))
  return under.over('restore', id)
}

/** What the restore script read; undefined if it never started. */
const restored = (under: AgentUnderTest): Promise<Buffer | undefined> =>
  readFile(join(under.root, 'restored')).catch(() => undefined)

/** An object of the same size that anyone can encrypt to the recipient, which its manifest names. */
async function forge(under: AgentUnderTest, name: string, recipient: string, originalBytes: number): Promise<void> {
  const content = Readable.from([Buffer.alloc(originalBytes, "COPY t FROM PROGRAM 'id';\n")], { objectMode: false })
  const store = openStore({ type: 'file', directory: under.bucket })
  await storeContent(store, name, content, { compression: 'none', recipients: [recipient] })
}

describe('an encrypted object that was replaced by another one for the same recipient', () => {
  const prepare = async () => {
    const under = await agentWith(formTwo(dump))
    const { recipient: publicKey, identity: privateKey } = await generateAgeKeys()
    const job = await backUp(under, { encryption_key: publicKey })
    const name = `plan/${job.filename}`
    const before = (await stat(join(under.bucket, name))).size
    await forge(under, name, publicKey, sizeBytes)
    expect((await stat(join(under.bucket, name))).size).toBe(before)
    return { under, job, name, key: { encryption_key: privateKey } }
  }

  test('reaches no script', async () => {
    const { under, job, key } = await prepare()
    const { status, error_message } = await restore(under, recordedOf(job), key)
    expect(status).toBe('FAILED')
    expect(error_message).toMatch(/the object is corrupt: .* at offset 0 does not match its digest/)
    expect((await restored(under))?.length ?? 0).toBe(0)
  })

  test('reaches no script if its manifest was removed or is of an older version either', async () => {
    const { under, job, name, key } = await prepare()
    await rm(join(under.bucket, `${name}.manifest.json`))
    for (const source of [recordedOf(job), { ...recordedOf(job), root: undefined }]) {
      const { status, error_message } = await restore(under, source as ReturnType<typeof recordedOf>, key)
      expect(status).toBe('FAILED')
      expect(error_message).toMatch(/the object is corrupt: .* has the SHA-256/)
      expect(await restored(under)).toBeUndefined()
    }
  })

  test('reaches no script if its manifest was replaced too', async () => {
    const { under, job, name, key } = await prepare()
    const path = join(under.bucket, `${name}.manifest.json`)
    await writeFile(path, (await readFile(path, 'utf8')).replace('"item"', '"metadata": { "mode": "swap" },\n  "item"'))
    const { status, error_message } = await restore(under, recordedOf(job), key)
    expect(status).toBe('FAILED')
    expect(error_message).toMatch(/the object is corrupt: .*manifest\.json" has the SHA-256 .* was recorded/)
    expect(await restored(under)).toBeUndefined()
  })
})

/** Spoils the answers with bytes of an object, and counts the bytes that are asked for. */
function spoilReads(proxy: FaultsProxy, isSpoilt: (read: number) => boolean) {
  const reads = { count: 0 }
  proxy.spoil(({ method, url }) => {
    if (method !== 'GET' || url.includes('manifest.json') || !url.includes('.dump')) return undefined
    return isSpoilt(reads.count++) ? { kind: 'corrupt', way: 'down', atByte: 1000 } : undefined
  })
  return reads
}

describe('a plain object at a store', () => {
  const prepare = async () => {
    const proxy = await startFaultsProxy(new URL(endpoint).origin)
    const under = await agentWith(formTwo(dump))
    const destination = {
      ...s3Destination(bucket, proxy.origin),
      skipSSL: true,
      filenamePrefix: `${randomUUID()}/`,
    }
    return { proxy, under, destination, job: await backUp(under, { destination }) }
  }
  /** Ranges of 4 MiB. */
  const ranges = sizeBytes / (4 * mebibyte)

  test('is read once, and its bytes are those of the dump', async () => {
    const { proxy, under, destination, job } = await prepare()
    await using _ = proxy
    const reads = spoilReads(proxy, () => false)
    expect(await restore(under, recordedOf(job), { destination })).toMatchObject({ status: 'SUCCEEDED' })
    expect(await restored(under)).toEqual(await readFile(join(under.root, 'dump')))
    expect(reads.count).toBe(ranges)
  })

  test('that sends a wrong byte once costs one more read of the chunk', async () => {
    const { proxy, under, destination, job } = await prepare()
    await using _ = proxy
    const reads = spoilReads(proxy, (read) => read === 2)
    expect(await restore(under, recordedOf(job), { destination })).toMatchObject({ status: 'SUCCEEDED' })
    expect(await restored(under)).toEqual(await readFile(join(under.root, 'dump')))
    expect(reads.count).toBe(ranges + 1)
  })

  test('that sends wrong bytes again and again passes on nothing of that chunk', async () => {
    const { proxy, under, destination, job } = await prepare()
    await using _ = proxy
    spoilReads(proxy, (read) => read >= 2)
    const { status, error_message } = await restore(under, recordedOf(job), { destination })
    expect(status).toBe('FAILED')
    expect(error_message).toMatch(/the object is corrupt: .* at offset 8388608 does not match its digest/)
    expect(await restored(under)).toEqual((await readFile(join(under.root, 'dump'))).subarray(0, 8 * mebibyte))
  })

  test('that answers the second read differently, where no root was recorded, passes on none of the difference', async () => {
    const { proxy, under, destination, job } = await prepare()
    await using _ = proxy
    const reads = spoilReads(proxy, (read) => read >= ranges)
    const { root: _root, ...source } = recordedOf(job)
    const { status, error_message } = await restore(under, source, { destination })
    expect(status).toBe('FAILED')
    expect(error_message).toMatch(/the object is corrupt: .* at offset 0 does not match its digest/)
    expect((await restored(under))?.length ?? 0).toBe(0)
    expect(reads.count).toBeGreaterThan(ranges)
  })
})

test('form 1: a file is downloaded only as its root says', async () => {
  const { recipient: publicKey, identity: privateKey } = await generateAgeKeys()
  const under = await agentWith(formOne(), { transform_files: 'true' })
  const job = await backUp(under, { encryption_key: publicKey })
  expect(job.root).toMatch(/^[0-9a-f]{64}$/)
  await forge(under, `plan/${job.filename}`, publicKey, 4)
  const key = { encryption_key: privateKey }
  const refused = await restore(under, recordedOf(job), key)
  expect(refused).toMatchObject({ status: 'FAILED', error_message: expect.stringMatching(/the object is corrupt/) })
  expect(await restored(under)).toBeUndefined()
})

test('a root that is not a digest is refused', async () => {
  const under = await agentWith(formTwo())
  const body = restoreBody(
    under,
    'x',
    { filename: 'a.dump' },
    { destination: { type: 'FILE', directory: under.bucket, filename: 'a.dump', root: 'xyz' } },
  )
  const { json } = await under.call('PUT', '/restore', body)
  expect(json.error_message).toBe('destination.root must be 64 hexadecimal digits')
})
