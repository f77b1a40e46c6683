import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { openStore } from '@osb-backup/storage'
import { makeTemporaryFolder, startManagerProcess, startManagerProgram } from '@osb-backup/testkit'
import { DBRef, EJSON, ObjectId, serialize } from 'bson'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makePlaces, places } from '../main-job/places.ts'
import { GoAgent } from './go-agent.ts'

const SECRETS = ['agent-secret', 'database-secret', 'key-of-the-scripts', 'store-secret-of-another']
const scripts = {
  'pre-restore-lock': 'mkdir "$folder/restore/$1"',
  restore: 'echo "compression $7, key $8" > "$folder/told"; cat "$folder/restore/$6/$5" > "$folder/restored"',
  'restore-cleanup': 'rm -r "$folder/restore/$1"',
  'post-restore-unlock': '',
}

let stack: AsyncDisposableStack
let agent: GoAgent
let folder: string
let settings: Record<string, string>

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  await makePlaces()
  folder = stack.use(await makeTemporaryFolder()).path
  await mkdir(join(folder, 'scripts'))
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, 'scripts', name), `set -e\nfolder=$(cd "$(dirname "$0")/.." && pwd)\n${text}\n`)
  }
  agent = stack.use(await new GoAgent({ branch: 'develop', folder }).start())
  const { port } = new URL(agent.url)
  settings = { LEGACY_AGENT_URL: `http://{backupHostIp}:${port}`, AGENT_POLL_MS: '100' }
})
afterAll(() => stack.disposeAsync())

const reference = (collection: string, id: ObjectId | string) => new DBRef(collection, id as ObjectId)

/** What the old database holds, and the objects that it refers to. */
async function oldInstallation() {
  const { s3, swift } = places('')
  const [s3Id, swiftId, planId, swiftPlanId] = [new ObjectId(), new ObjectId(), new ObjectId(), new ObjectId()]
  const instance = `old-${new ObjectId().toHexString()}`
  const serviceInstance = reference('serviceInstance', instance)
  const base = { serviceInstance, frequency: '0 0 2 29 2 *', retentionStyle: 'FILES', retentionPeriod: 1 }
  const startDate = new Date('2021-04-13T08:00:00.123Z')
  const job = (fields: object, day = 0) => ({
    _id: new ObjectId(),
    _class: 'de.evoila.cf.backup.model.api.BackupJob',
    ...{ jobType: 'BACKUP', status: 'SUCCEEDED', serviceInstance, jobLogs: [] },
    startDate: new Date(startDate.getTime() + day * 86_400_000),
    endDate: new Date(startDate.getTime() + day * 86_400_000 + 1000),
    backupPlan: reference('backupPlan', planId),
    destination: reference('fileDestination', s3Id),
    ...fields,
  })
  const response = (filename: string, size: number, more = {}) => ({
    ...{ status: 'SUCCEEDED', message: 'backup successfully carried out', filename, filesize: { size, unit: 'byte' } },
    ...{ filenamePrefix: `${planId}/`, executionTime: 1000, backupLog: 'ok', ...more },
  })
  const jobs = [
    job({ agentExecutionReponses: { db1: response('old1.sql', 7), db2: response('gone.sql', 5) } }),
    job({ agentExecutionReponses: { db1: response('old2.sql', 7) } }, 1),
    job({ agentExecutionReponses: { db1: response('resized.sql', 9) } }, 2),
    job({
      backupPlan: reference('backupPlan', swiftPlanId),
      destination: reference('fileDestination', swiftId),
      agentExecutionReponses: { db1: response(`${swiftPlanId}.sql`, 7, { filenamePrefix: null }) },
    }),
    job({ status: 'RUNNING', agentExecutionReponses: {} }),
    job({ jobType: 'RESTORE', agentExecutionReponses: {} }),
    job({ serviceInstance: reference('serviceInstance', 'nobody'), agentExecutionReponses: {} }),
  ]
  const collections: Record<string, object[]> = {
    serviceInstance: [
      {
        ...{ _id: instance, _class: 'de.evoila.cf.broker.model.ServiceInstance', serviceDefinitionId: 'sd-1' },
        parameters: { encoding: 'UTF8' },
        hosts: [{ name: 'db0', ip: '127.0.0.1', port: 5432, backup: true }],
      },
      { _id: 'no-hosts', hosts: [] },
    ],
    credential: [
      { _id: `other-${instance}-backup_credentials`, username: 'other', password: 'other-secret' },
      { _id: `${instance}2-backup_agent_credentials`, username: 'other', password: 'other-secret' },
      { _id: `${instance}-backup_credentials`, username: 'dba', password: 'database-secret' },
      { _id: `${instance}-backup_agent_credentials`, username: 'agent', password: 'agent-secret' },
    ],
    fileDestination: [
      {
        ...{ _id: s3Id, _class: 'de.evoila.cf.backup.model.api.file.S3FileDestination', type: 'S3', name: 'minio' },
        ...{ serviceInstance, authKey: s3.store.accessKeyId, authSecret: s3.store.secretAccessKey, skipSSL: true },
        ...{ endpoint: s3.store.endpoint, region: '', bucket: s3.store.bucket },
      },
      {
        ...{
          _id: swiftId,
          _class: 'de.evoila.cf.backup.model.api.file.SwiftFileDestination',
          name: 'swift',
          serviceInstance,
          authUrl: swift.store.authUrl,
        },
        ...{ domain: swift.store.domain, containerName: swift.store.container, projectName: swift.store.projectName },
        ...{ username: swift.store.username, password: swift.store.password },
      },
      { _id: new ObjectId(), type: 'S3', serviceInstance, authSecret: 'store-secret-of-another' },
    ],
    backupPlan: [
      {
        ...{ ...base, _id: planId, name: 'nightly', fileDestination: reference('fileDestination', s3Id), paused: true },
        ...{ compression: true, timezone: 'Europe/Berlin', items: ['db1', 'db2'] },
        ...{ privateKey: 'key-of-the-scripts', publicKey: 'key-of-the-scripts' },
      },
      {
        ...{ ...base, _id: swiftPlanId, name: 'nightly', fileDestination: reference('fileDestination', swiftId) },
        ...{ paused: false, compression: false, frequency: 'whenever', items: ['db1'] },
      },
    ],
    backopOrRestoreJob: jobs,
    systemUser: [{ _id: 'somebody' }],
  }
  const put = (store: typeof s3.store | typeof swift.store, name: string) =>
    openStore(store).put(name, Readable.from([Buffer.from('content')]))
  await put(s3.store, `${planId}/old1.sql`)
  // As a Go agent of the branch master stored it.
  await put(s3.store, 'old2.sql')
  await put(s3.store, `${planId}/resized.sql`)
  await put(swift.store, `${swiftPlanId}.sql`)
  return { instance, planId: String(planId), swiftPlanId: String(swiftPlanId), s3Id: String(s3Id), jobs, collections }
}

/** Writes the collections as mongodump or mongoexport does. */
async function write(collections: Record<string, object[]>, as: 'mongodump' | 'mongoexport') {
  const target = stack.use(await makeTemporaryFolder()).path
  const below = as === 'mongodump' ? join(target, 'dump', 'backup-manager') : target
  await mkdir(below, { recursive: true })
  for (const [name, documents] of Object.entries(collections)) {
    const json = documents.map((each) => EJSON.stringify(each, { relaxed: true })).join('\n')
    const content = as === 'mongodump' ? Buffer.concat(documents.map((each) => serialize(each))) : json
    await writeFile(join(below, `${name}.${as === 'mongodump' ? 'bson' : 'json'}`), content)
    if (as === 'mongodump') await writeFile(join(below, `${name}.metadata.json`), '{}')
  }
  return target
}

async function run(data: string, args: string[]): Promise<{ status: number | null; output: string }> {
  const program = startManagerProgram({ ...settings, DATA_DIR: data }, ['import', ...args])
  const status = await program.ended()
  const output = program.output().trim()
  for (const secret of SECRETS) expect(output).not.toContain(secret)
  return { status, output }
}

test('an old installation is imported from a dump, and its backups are restored by its own agent', async () => {
  const old = await oldInstallation()
  const data = stack.use(await makeTemporaryFolder()).path
  const from = await write(old.collections, 'mongodump')
  const dry = await run(data, ['--from', from])
  expect(dry.output).toMatch(/^Dry run: nothing was written/)
  expect(dry.output).toMatch(/service instances +1 to import, 0 unchanged, 1 skipped/)
  expect((await run(data, ['--from', from])).output).toBe(dry.output)

  const { status, output } = await run(data, ['--from', from, '--apply'])
  expect(status).toBe(0)
  for (const line of [
    /service instances +1 imported, 0 unchanged, 1 skipped/,
    /destinations +2 imported, 0 unchanged, 1 skipped/,
    /plans +2 imported, 0 unchanged, 0 skipped/,
    /jobs +3 imported, 0 unchanged, 4 skipped/,
    /restore points +3 imported, 0 unchanged, 2 skipped/,
    /service instance no-hosts: its field hosts is missing or not valid/,
    /plan \w+: frequency "whenever" is not a cron expression: .* It is paused/,
    /restore point \w+ db2: the object "\w+\/gone.sql" does not exist any more/,
    /restore point \w+ db1: the object "\w+\/resized.sql" has 7 bytes, and 9 were recorded/,
    /job \w+: it is RUNNING, not finished/,
    /job \w+: restore jobs are not imported/,
    /job \w+: its service instance nobody is not registered/,
    /Not read, as nothing in them is imported: systemUser.bson/,
  ]) {
    expect(output).toMatch(line)
  }
  const again = await run(data, ['--from', from, '--apply'])
  expect(again.output).toMatch(/service instances +0 imported, 1 unchanged, 1 skipped/)
  expect(again.output).toMatch(/destinations +0 imported, 2 unchanged/)
  expect(again.output).toMatch(/plans +0 imported, 2 unchanged/)
  expect(again.output).toMatch(/jobs +0 imported, 3 unchanged, 4 skipped/)
  expect(again.output).toMatch(/restore points +0 imported, 3 unchanged, 2 skipped/)

  const manager = await startManagerProcess({ ...settings, DATA_DIR: data })
  stack.defer(() => manager.stop())
  const { client } = manager
  expect(await client.plans.get(old.planId)).toMatchObject({
    ...{ id: old.planId, name: 'nightly', paused: true, destinationId: old.s3Id, instanceId: old.instance },
    ...{ schedule: { cron: '0 0 2 29 2 *', timezone: 'Europe/Berlin' }, items: ['db1', 'db2'] },
  })
  expect(await client.plans.get(old.swiftPlanId)).toMatchObject({ name: `nightly (${old.swiftPlanId})`, paused: true })
  const points = (await client.restorePoints.list({ plan: old.planId })).items
  expect(points.map(({ objectName, jobId }) => [objectName, jobId])).toEqual([
    ['old2.sql', String(old.jobs[1]?._id)],
    [`${old.planId}/old1.sql`, String(old.jobs[0]?._id)],
  ])
  expect((await client.jobs.get(String(old.jobs[0]?._id))).state).toBe('succeeded')

  const [oldest] = points.slice(-1)
  const { id } = await client.restorePoints.restore(oldest?.id ?? '')
  const ended = await client.jobs.wait(id, { signal: AbortSignal.timeout(120_000) })
  expect([ended.state, JSON.stringify(ended)]).toEqual(['succeeded', expect.any(String)])
  expect(await readFile(join(folder, 'restored'), 'utf8')).toBe('content')
  expect(await readFile(join(folder, 'told'), 'utf8')).toBe('compression true, key key-of-the-scripts\n')
})

test('an export in JSON is imported like a dump', async () => {
  const old = await oldInstallation()
  const data = stack.use(await makeTemporaryFolder()).path
  const from = await write(old.collections, 'mongoexport')
  const { output } = await run(data, ['--from', from, '--apply'])
  expect(output).toMatch(/plans +2 imported, 0 unchanged, 0 skipped/)
  expect(output).toMatch(/restore points +3 imported, 0 unchanged, 2 skipped/)
})

test.for([
  ['nothing to import', 'systemUser.bson', Buffer.alloc(0), /holds no collection of the old manager/],
  [
    'a truncated file',
    'serviceInstance.bson',
    serialize({ _id: 'i' }).subarray(0, 10),
    /ends in the middle of the document/,
  ],
] as const)('%s is an error in one sentence', async ([, name, content, problem]) => {
  const from = stack.use(await makeTemporaryFolder()).path
  await writeFile(join(from, name), content)
  const { status, output } = await run(stack.use(await makeTemporaryFolder()).path, ['--from', from])
  expect(status).toBe(1)
  expect(output).toMatch(problem)
  expect(output.split('\n')).toHaveLength(1)
})
