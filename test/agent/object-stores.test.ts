import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, DeleteBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { swiftDestination } from '../fixtures/lab-stores.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { agentWith, backupBody, formOne, formTwo, restoreBody, stagesRun, until } from './agent-under-test.ts'

const lab = inject('lab')
const name = `agent-${randomUUID()}`
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const account = new SwiftAccount(lab.swift)

const s3 = {
  destination: {
    type: 'S3',
    endpoint,
    region: '',
    bucket: name,
    authKey: accessKeyId,
    authSecret: secretAccessKey,
    skipSSL: true,
  },
  shown: { type: 'S3', bucket: name },
  secret: secretAccessKey,
  store: openStore({ type: 's3', endpoint, bucket: name, accessKeyId, secretAccessKey }),
  prepare: () => client.send(new CreateBucketCommand({ Bucket: name })),
  unfinished: async () => ((await client.send(new ListMultipartUploadsCommand({ Bucket: name }))).Uploads ?? []).length,
  remove: () => client.send(new DeleteBucketCommand({ Bucket: name })),
}

const { authUrl, domain, projectName, password } = lab.swift
const container = `${name}-swift`
const swift = {
  destination: swiftDestination(container),
  shown: { type: 'SWIFT', authUrl, domain, container_name: container, project_name: projectName },
  secret: password,
  store: openStore({ type: 'swift', ...lab.swift, container }),
  prepare: () => account.makeContainer(container),
  unfinished: async () => (await account.list(`${container}_segments`)).length,
  remove: () => account.removeContainer(container),
}

describe.each([s3, swift])('$destination.type', ({ store, shown, secret, prepare, unfinished, remove, ...place }) => {
  const destination = { ...place.destination, filenamePrefix: 'a plan/ü/' }
  const restoreFrom = (source: object) => ({ destination: { ...destination, ...source } })
  const stored = () => Array.fromAsync(store.list(''), (object) => object.name)

  beforeAll(async () => {
    await prepare()
  })
  afterAll(async () => {
    for (const object of await stored()) await store.remove(object)
    await remove()
  })

  test.each([
    [
      1,
      formOne({
        backup: 'head -c 20000000 /dev/urandom | tee "$(dirname "$0")/../dump" > "$BACKUP_DIRECTORY/$5.bin"\n',
      }),
    ],
    [2, formTwo({ backup: 'head -c 40000000 /dev/urandom | tee "$(dirname "$0")/../dump"\n' })],
  ])('form %i: a large dump comes back', async (_form, scripts) => {
    const under = await agentWith(scripts)
    await under.call('POST', '/backup', backupBody(under, 'x', { destination }))
    const job = await under.over('backup', 'x')
    expect(job).toMatchObject({ status: 'SUCCEEDED', ...shown })
    const { filename = '', filesize, sha256 } = job
    expect(await store.head(`a plan/ü/${filename}`)).toMatchObject({ sizeBytes: filesize?.size })
    await under.call(
      'PUT',
      '/restore',
      restoreBody(under, 'x', { filename }, restoreFrom({ filename, sha256, size: filesize?.size })),
    )
    expect(await under.over('restore', 'x')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await under.read('restored')).toBe(await under.read('dump'))
    for (const answer of [job, await under.over('restore', 'x')]) expect(JSON.stringify(answer)).not.toContain(secret)
  })

  test('a dump that fails or is cancelled after many bytes leaves nothing', async () => {
    const before = { names: await stored(), unfinished: await unfinished() }
    const under = await agentWith(formTwo({ backup: 'head -c 60000000 /dev/urandom\nexit 3\n' }))
    await under.call('POST', '/backup', backupBody(under, 'x', { destination }))
    expect((await under.over('backup', 'x')).error_message).toContain('status 3')
    const slow = await agentWith(formTwo({ backup: 'head -c 60000000 /dev/urandom\nsleep 100\n' }))
    await slow.call('POST', '/backup', backupBody(slow, 'x', { destination }))
    await until(async () => (await slow.call('GET', '/backup/x')).json.progress.bytes_stored > 30_000_000, 'bytes move')
    await slow.call('DELETE', '/backup', { id: 'x' })
    await until(async () => (await slow.call('GET', '/backup/x')).status === 404, 'the job is deleted')
    expect((await stagesRun(slow)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
    expect({ names: await stored(), unfinished: await unfinished() }).toEqual(before)
  })
})
