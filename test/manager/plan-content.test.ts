import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { FileDestinationRequest, RestorePoint } from '@osb-backup/protocol'
import { generateAgeKeys, loadContent, openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instanceId, jobEnd, makeSmallWorld, runPlan, type SmallWorld } from './small-world.ts'

const recovery = await generateAgeKeys()
let world: SmallWorld

beforeAll(async () => {
  world = await makeSmallWorld(
    { restore: 'cat >"$(dirname "$0")/../restored-$BACKUP_DATABASE"' },
    { RECOVERY_RECIPIENTS: recovery.recipient },
  )
})
afterAll(() => world[Symbol.asyncDispose]())

const content = 'the content of db1\n'

/** Runs a plan and answers the restore point that it left. */
async function backUp(planId: string): Promise<RestorePoint> {
  expect(await runPlan(world, planId)).toMatchObject({ status: 'SUCCEEDED' })
  const [point] = (await world.client.restorePoints.list(instanceId, { plan: planId })).content
  if (point === undefined) throw new Error('the backup left no restore point')
  return point
}

async function restore(point: RestorePoint, database: string, privateKey?: string) {
  const { id } = await world.client.restorePoints.startRestore(point.id, {
    database,
    ...(privateKey === undefined ? {} : { privateKey }),
  })
  return jobEnd(world.client, id)
}

const restored = (database: string) => readFile(join(world.folder, `restored-${database}`), 'utf8')
const objectOf = (point: RestorePoint) => join(world.store, point.filenamePrefix, point.filename)

test('a plan chooses how its dumps are compressed', async () => {
  const plan = await world.makePlan({ compression: true, compressionAlgorithm: 'gzip', compressionLevel: 9 })
  const point = await backUp(plan.id)
  expect(point.filename).toMatch(/\.dump\.gz$/)
  expect(gunzipSync(await readFile(objectOf(point))).toString()).toBe(content)
  const manifest = JSON.parse(await readFile(`${objectOf(point)}.manifest.json`, 'utf8'))
  expect(manifest).toMatchObject({ plan: { id: plan.id, name: plan.name }, transforms: { compression: 'gzip' } })

  const { compressionAlgorithm: _a, compressionLevel: _l, ...asOldClientsSend } = plan
  const kept = await world.client.backupPlans.update(plan.id, asOldClientsSend)
  expect(kept).toMatchObject({ compressionAlgorithm: 'gzip', compressionLevel: 9 })
  const changed = await world.client.backupPlans.update(plan.id, { ...asOldClientsSend, compressionAlgorithm: 'zstd' })
  expect(changed.compressionLevel).toBeUndefined()
  expect((await backUp(plan.id)).filename).toMatch(/\.dump\.zst$|_\d{6}\.dump\.zst$/)
  const refused = await world.call('PATCH', `/backupPlans/${plan.id}`, { ...plan, compressionLevel: 19 })
  expect(refused).toMatchObject({ status: 400, body: { field: 'compressionLevel' } })
})

test('keys that the manager keeps open all that was encrypted since the first', async () => {
  const plan = await world.makePlan()
  const first = await world.client.backupPlans.makeKeys(plan.id, { keepPrivateKey: true })
  expect(await world.client.backupPlans.get(plan.id)).toMatchObject({ publicKey: first.publicKey, privateKey: '***' })
  const old = await backUp(plan.id)
  expect(old).toMatchObject({ encrypted: true, recipients: [first.publicKey, recovery.recipient] })
  const second = await world.client.backupPlans.makeKeys(plan.id, { keepPrivateKey: true })
  expect(second.publicKey).not.toBe(first.publicKey)
  const young = await backUp(plan.id)
  for (const [point, database] of [
    [old, 'old'],
    [young, 'young'],
  ] as const) {
    expect(await restore(point, database)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await restored(database)).toBe(content)
  }
})

test('a key that it does not keep is needed for each restore, and the recovery key opens everything', async () => {
  const plan = await world.makePlan()
  const keys = await world.client.backupPlans.makeKeys(plan.id, { keepPrivateKey: false })
  expect(keys).toMatchObject({ kept: false, privateKey: expect.stringMatching(/^AGE-SECRET-KEY-1/) })
  expect((await world.client.backupPlans.get(plan.id)).privateKey).toBe('none')
  const point = await backUp(plan.id)
  const refused = await restore(point, 'nothing')
  expect(refused.status).toBe('FAILED')
  expect(refused.agentExecutionReponses.db1?.error_message).toMatch(/is encrypted/)
  expect((await restore(point, 'mine', keys.privateKey)).status).toBe('SUCCEEDED')
  expect(await restored('mine')).toBe(content)

  const store = openStore({ type: 'file', directory: world.store })
  const opened = await loadContent(store, point.filenamePrefix + point.filename, {
    compression: 'none',
    encrypted: true,
    identities: [recovery.identity],
  })
  expect(await text(opened)).toBe(content)
})

test('a public key that is meant to be an age recipient must be one', async () => {
  const wrong = `${recovery.recipient.slice(0, -1)}${recovery.recipient.endsWith('q') ? 'p' : 'q'}`
  const serviceInstance = { service_instance_id: instanceId }
  const plan = { ...(await world.makePlan()), name: 'wrong key', serviceInstance }
  const publicKey = `${recovery.recipient}, ${wrong}`
  const refused = await world.call('POST', '/backupPlans', { ...plan, publicKey })
  expect(refused).toMatchObject({ status: 400, body: { field: 'publicKey' } })
  expect(refused.body.detail).toContain('at place 2')
  const forScripts = await world.call('POST', '/backupPlans', { ...plan, publicKey: '-----BEGIN PGP PUBLIC KEY-----' })
  expect(forScripts.status).toBe(201)
})

test('a destination says how it is reached; absent keeps that, and empty takes it away', async () => {
  const s3 = {
    type: 'S3',
    name: 's3',
    serviceInstance: { service_instance_id: instanceId },
    endpoint: 'https://s3.example',
    bucket: 'b',
    authKey: 'k',
    authSecret: 's',
  } as const
  const reached = { caCertificate: 'PEM', insecureTls: true, pathStyle: false, bandwidthLimitBytesPerSecond: 5000 }
  const made = await world.client.fileDestinations.create({ ...s3, ...reached } as FileDestinationRequest)
  expect(made).toMatchObject(reached)
  expect(await world.client.fileDestinations.update(made.id, s3 as FileDestinationRequest)).toMatchObject(reached)
  const nothing = { caCertificate: '', insecureTls: false, bandwidthLimitBytesPerSecond: 0 }
  const cleared = await world.client.fileDestinations.update(made.id, { ...s3, ...nothing } as FileDestinationRequest)
  expect(cleared).not.toHaveProperty('caCertificate')
  expect(cleared).not.toHaveProperty('bandwidthLimitBytesPerSecond')
  expect(await world.client.fileDestinations.get(made.id)).toEqual(cleared)
})
