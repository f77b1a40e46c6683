import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { generateAgeKeys, loadContent, openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

const recovery = await generateAgeKeys()
let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture(
    { restore: 'cat >"$(dirname "$0")/../restored-$BACKUP_DATABASE"' },
    { RECOVERY_RECIPIENTS: recovery.recipient },
  )
})
afterAll(() => fixture[Symbol.asyncDispose]())

const content = 'the content of db1\n'

/** Runs a plan and answers the restore point that it left. */
async function backUp(planId: string): Promise<RestorePoint> {
  expect(await fixture.runPlan(planId)).toMatchObject({ state: 'succeeded' })
  return fixture.newestPoint(planId)
}

async function restore(point: RestorePoint, database: string, privateKey?: string) {
  const { id } = await fixture.client.restorePoints.restore(point.id, {
    database,
    ...(privateKey === undefined ? {} : { privateKey }),
  })
  return fixture.waitForJob(id)
}

const restored = (database: string) => readFile(join(fixture.folder, `restored-${database}`), 'utf8')
const objectOf = (point: RestorePoint) => join(fixture.store, point.objectName)

test('a plan chooses how its dumps are compressed', async () => {
  const plan = await fixture.createPlan({ compression: { algorithm: 'gzip', level: 9 } })
  const point = await backUp(plan.id)
  expect(point.objectName).toMatch(/\.dump\.gz$/)
  expect(gunzipSync(await readFile(objectOf(point))).toString()).toBe(content)
  const manifest = JSON.parse(await readFile(`${objectOf(point)}.manifest.json`, 'utf8'))
  expect(manifest).toMatchObject({ plan: { id: plan.id, name: plan.name }, transforms: { compression: 'gzip' } })

  const changed = await fixture.client.plans.update(plan.id, { compression: { algorithm: 'zstd', level: null } })
  expect(changed.compression).toEqual({ algorithm: 'zstd' })
  expect((await backUp(plan.id)).objectName).toMatch(/\.dump\.zst$/)
  await fixture.client.plans.update(plan.id, { compression: { algorithm: 'none' } })
  expect((await backUp(plan.id)).objectName).toMatch(/\.dump$/)
})

test('keys that the manager keeps decrypt everything since the first one', async () => {
  const plan = await fixture.createPlan()
  const first = await fixture.client.plans.createKeys(plan.id, { keepPrivateKey: true })
  expect((await fixture.client.plans.get(plan.id)).encryption).toEqual({
    publicKey: first.publicKey,
    privateKeySet: true,
  })
  const old = await backUp(plan.id)
  expect(old).toMatchObject({ encrypted: true, recipients: [first.publicKey, recovery.recipient] })
  const second = await fixture.client.plans.createKeys(plan.id, { keepPrivateKey: true })
  expect(second.publicKey).not.toBe(first.publicKey)
  const young = await backUp(plan.id)
  for (const [point, database] of [
    [old, 'old'],
    [young, 'young'],
  ] as const) {
    expect(await restore(point, database)).toMatchObject({ state: 'succeeded' })
    expect(await restored(database)).toBe(content)
  }
})

test('a key that it does not keep is required for each restore, and the recovery key decrypts everything', async () => {
  const plan = await fixture.createPlan()
  const keys = await fixture.client.plans.createKeys(plan.id, { keepPrivateKey: false })
  expect(keys).toMatchObject({ kept: false, privateKey: expect.stringMatching(/^AGE-SECRET-KEY-1/) })
  expect((await fixture.client.plans.get(plan.id)).encryption.privateKeySet).toBe(false)
  const point = await backUp(plan.id)
  const refused = await restore(point, 'nothing')
  expect(refused.state).toBe('failed')
  expect(refused.parts[0]?.error).toMatch(/is encrypted/)
  expect((await restore(point, 'mine', keys.privateKey)).state).toBe('succeeded')
  expect(await restored('mine')).toBe(content)

  const store = openStore({ type: 'file', directory: fixture.store })
  const opened = await loadContent(store, point.objectName, {
    compression: 'none',
    encrypted: true,
    identities: [recovery.identity],
  })
  expect(await text(opened)).toBe(content)
})

test('a public key that looks like an age recipient must be valid', async () => {
  const wrong = `${recovery.recipient.slice(0, -1)}${recovery.recipient.endsWith('q') ? 'p' : 'q'}`
  const plan = await fixture.createPlan()
  const refused = await fixture.call('PATCH', `/v1/plans/${plan.id}`, {
    encryption: { publicKey: `${recovery.recipient}, ${wrong}` },
  })
  expect(refused).toMatchObject({ status: 400, body: { field: 'encryption.publicKey' } })
  expect(refused.body.detail).toContain('at place 2')
  const forScripts = { encryption: { publicKey: '-----BEGIN PGP PUBLIC KEY-----' } }
  expect((await fixture.client.plans.update(plan.id, forScripts)).encryption).toMatchObject(forScripts.encryption)
})
