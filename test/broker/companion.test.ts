import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BrokerCompanion } from '@osb-backup/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

let fixture: Fixture
/** While it exists backups fail. */
let broken: string

beforeAll(async () => {
  fixture = await startFixture({
    backup: 'test ! -e "$0.broken" || exit 3\necho "a dump of $BACKUP_DATABASE"',
    restore: 'cat > "$0.$BACKUP_DATABASE"',
  })
  broken = join(fixture.folder, 'scripts/backup.broken')
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

/** A broker with a token of its own, which nothing else needs. */
async function startBroker(permissions: 'delete-backups'[] = []): Promise<BrokerCompanion> {
  const wanted = { name: `broker-${randomUUID()}`, role: 'broker', instances: [], permissions } as const
  const { token } = await fixture.client.tokens.create({ ...wanted, instances: [] })
  return new BrokerCompanion({ url: fixture.manager.url, token })
}

/** An instance at a host of its own, whose agent the broker registers. */
async function instanceOf({ client }: BrokerCompanion, id: string, item: string) {
  const { url, username, password } = fixture.agent
  const agent = await client.agents.create({ url, username, password })
  return { id, agentId: agent.id, items: [item], hosts: [{ address: `${id}.example`, port: 5432 }] }
}

/** Registers an instance, with a plan of an operator and a backup. */
async function registerWithBackup(broker: BrokerCompanion, item: string) {
  const id = randomUUID()
  await broker.register(await instanceOf(broker, id, item))
  const directory = join(fixture.destinations, id)
  await mkdir(directory)
  const settings = { instanceId: id, name: 'files', store: { kind: 'file', directory } as const }
  const destination = await fixture.client.destinations.create(settings)
  const plan = await fixture.createPlan({ instanceId: id, destinationId: destination.id, items: [item] })
  expect(await fixture.runPlan(plan.id)).toMatchObject({ state: 'succeeded' })
  return { id, planId: plan.id }
}

const idsOf = async (broker: BrokerCompanion, instanceId: string) =>
  (await Array.fromAsync(broker.backupsOf(instanceId))).map(({ id }) => id)

test('a broker registers on provision and updates on update, and both may be repeated', async () => {
  const broker = await startBroker()
  const id = randomUUID()
  const instance = await instanceOf(broker, id, 'one')
  for (const items of [['one'], ['one'], ['one', 'two']]) {
    expect(await broker.register({ ...instance, items })).toMatchObject({ id, items })
  }
  expect(await broker.update(id, { label: 'renamed' })).toMatchObject({ label: 'renamed', items: ['one', 'two'] })
  const other = await startBroker()
  await expect(other.register(instance)).rejects.toMatchObject({ status: 404 })
  await expect(other.update(id, { label: 'stolen' })).rejects.toMatchObject({ status: 404 })
  await expect(Array.fromAsync(other.backupsOf(id))).rejects.toMatchObject({ status: 404 })
  await broker.deregister(id)
  await broker.deregister(id)
})

test('an instance is deregistered after a last backup; its backups are listed and restored into a new instance', async () => {
  const broker = await startBroker()
  const { id } = await registerWithBackup(broker, 'old')
  const [before] = await idsOf(broker, id)
  await broker.deregister(id, { lastBackup: true, intervalMs: 100 })
  await expect(broker.update(id, { label: 'x' })).rejects.toMatchObject({ status: 404 })
  const [last = '', ...others] = await idsOf(broker, id)
  expect(others).toEqual([before])

  const target = randomUUID()
  await broker.register(await instanceOf(broker, target, 'new'))
  expect(await broker.restoreInto(target, last, { database: 'new' })).toMatchObject({ state: 'succeeded' })
  expect(await readFile(join(fixture.folder, 'scripts/restore.new'), 'utf8')).toBe('a dump of old\n')
  const other = await startBroker()
  await expect(other.restoreInto(target, last)).rejects.toMatchObject({ status: 404 })
})

test('nothing is deleted if a last backup fails, and deregistering can be repeated', async () => {
  const broker = await startBroker()
  const { id, planId } = await registerWithBackup(broker, 'kept')
  await writeFile(broken, '')
  const failure = broker.deregister(id, { lastBackup: true, intervalMs: 100 })
  await expect(failure).rejects.toThrow(/^Nothing was deleted, since the last backup \(job \w+\) failed\.$/)
  expect(await fixture.client.instances.get(id)).toMatchObject({
    deregistration: { state: 'failed', lastBackup: true },
  })
  expect((await fixture.client.plans.get(planId)).id).toBe(planId)
  expect(await idsOf(broker, id)).toHaveLength(1)
  await rm(broken)
  await broker.deregister(id, { lastBackup: true, intervalMs: 100 })
  expect(await idsOf(broker, id)).toHaveLength(2)
})

test('files are deleted after the days that a broker names, which needs a permission', async () => {
  const [broker, trusted] = [await startBroker(), await startBroker(['delete-backups'])]
  const { id } = await registerWithBackup(broker, 'stays')
  await expect(broker.deregister(id, { keepFilesDays: 0 })).rejects.toMatchObject({ status: 403 })
  expect((await fixture.client.instances.get(id)).id).toBe(id)
  const { id: short } = await registerWithBackup(trusted, 'goes')
  await trusted.deregister(short, { keepFilesDays: 0 })
  await expect.poll(() => idsOf(trusted, short)).toEqual([])
  const { id: long } = await registerWithBackup(trusted, 'waits')
  await trusted.deregister(long, { keepFilesDays: 30 })
  expect(await idsOf(trusted, long)).toHaveLength(1)
})
