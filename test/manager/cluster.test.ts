import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job, Plan, PlanCreate } from '@osb-backup/protocol/v1'
import { type AgentProcess, startAgentProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

/** What a node says is in files named after its port. */
const here = 'here=$(dirname "$0")/..'
const HOLD = 'hold-backup'
const cluster = 'cluster'
const ports = [5001, 5002] as const
let stack: AsyncDisposableStack
let fixture: Fixture
let second: AgentProcess
let agentIds: [first: string, second: string]
let destinationId: string
let plans = 0

const startSecond = (port = '0') =>
  startAgentProcess({
    client_port: port,
    directory_backup: join(fixture.folder, 'second', 'backup'),
    directory_restore: join(fixture.folder, 'second', 'restore'),
    scripts_path: join(fixture.folder, 'scripts'),
    file_destination_root: fixture.destinations,
  })

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  fixture = stack.use(
    await startFixture(
      {
        elect: `${here}; cat "$here/$BACKUP_KIND-$BACKUP_PORT"`,
        'list-items': `${here}; [ ! -e "$here/no-list-$BACKUP_PORT" ] && echo db1`,
        backup: `${here}; echo "of $BACKUP_PORT"; while [ -e "$here/${HOLD}" ]; do sleep 0.05; done`,
        restore: 'cat >&2; echo "into $BACKUP_PORT"',
      },
      { AGENT_UNREACHABLE_SECONDS: '6' },
    ),
  )
  await mkdir(join(fixture.folder, 'second'))
  second = await startSecond()
  stack.defer(() => second.stop())
  const { client, agentId } = fixture
  const other = await client.agents.create({ url: second.url, username: second.username, password: second.password })
  agentIds = [agentId, other.id]
  await client.instances.create({
    id: cluster,
    agentId,
    otherAgents: [{ agentId: other.id, host: 'two' }],
    hosts: ports.map((port, index) => ({
      name: ['one', 'two'][index],
      address: '10.0.0.7',
      port,
      backup: index === 0,
    })),
    database: { username: 'of-cluster', password: 'cluster-secret-1' },
  })
  const directory = join(fixture.destinations, cluster)
  await mkdir(directory)
  const store = { kind: 'file', directory } as const
  destinationId = (await client.destinations.create({ instanceId: cluster, name: 'files', store })).id
})
afterAll(() => stack.disposeAsync())

const say = (kind: 'backup' | 'restore', ...priorities: string[]) =>
  Promise.all(priorities.map((text, index) => writeFile(join(fixture.folder, `${kind}-${ports[index]}`), `${text}\n`)))
const createPlan = (fields: Partial<PlanCreate> = {}): Promise<Plan> =>
  fixture.createPlan({ instanceId: cluster, name: `cluster ${++plans}`, destinationId, ...fields })
const agentOf = ({ state, parts: [part] }: Job) =>
  state === 'succeeded' ? ['first', 'second'][agentIds.indexOf(part?.agentId ?? '')] : `${state}: ${part?.error}`
const run = async (plan: Plan) => agentOf(await fixture.runPlan(plan.id))

test('the agent that suits best runs a backup; of equal ones the first, and one that cannot say it does not', async () => {
  const plan = await createPlan()
  await say('backup', '50 the primary', '100 a standby')
  expect(await run(plan)).toBe('second')
  await say('backup', '50', '50')
  expect(await run(plan)).toBe('first')
  await say('backup', 'primary', '1')
  expect(await run(plan)).toBe('second')
})

test('a restore asks for itself, and reaches the host of the agent that it is at', async () => {
  await say('backup', '100', '1')
  const plan = await createPlan()
  expect(await run(plan)).toBe('first')
  await say('restore', '0 a standby', '100 the primary')
  const { id } = await fixture.client.restorePoints.restore((await fixture.newestPoint(plan.id)).id)
  expect(agentOf(await fixture.waitForJob(id))).toBe('second')
  const logs = (await fixture.client.jobs.logs(id)).items.map(({ text }) => text).join('')
  expect(logs).toContain('into 5002')
  expect(logs).toContain('of 5001')
})

test('items are listed by the next agent if the elected one cannot', async () => {
  await say('backup', '100', '50')
  await writeFile(join(fixture.folder, 'no-list-5001'), '')
  const plan = await createPlan({ items: ['*'] })
  expect(await run(plan)).toBe('first')
  await rm(join(fixture.folder, 'no-list-5001'))
})

test('a job that no node can run says why in the end, and is cancelled meanwhile', async () => {
  await say('backup', '0 one lags', '0 two lags')
  const plan = await createPlan()
  const { id } = await fixture.client.plans.run(plan.id)
  await expect.poll(async () => (await fixture.client.jobs.get(id)).parts[0]?.agentId).toBe(agentIds[0])
  await fixture.client.jobs.cancel(id)
  expect((await fixture.waitForJob(id)).state).toBe('cancelled')
  const job = await fixture.runPlan(plan.id)
  expect(job.parts[0]?.failureCode).toBe('agent-unreachable')
  expect(job.parts[0]?.error).toMatch(/No agent .* for 6 seconds: the agent at .*: one lags; .*: two lags/)
})

test('a job that every agent refuses fails with what the last one said', async () => {
  await say('backup', '1', '2')
  const directory = join(fixture.destinations, 'of-cluster-2')
  await mkdir(directory)
  const store = { kind: 'file', directory } as const
  const destination = await fixture.client.destinations.create({ instanceId: cluster, name: 'gone', store })
  await rm(directory, { recursive: true })
  const job = await fixture.runPlan((await createPlan({ destinationId: destination.id })).id)
  expect([job.state, job.parts[0]?.failureCode]).toEqual(['failed', 'agent-rejected'])
})

test('the agents of a cluster are validated, keep passwords from new addresses, and stay over the legacy paths', async () => {
  const { client } = fixture
  const patch = (otherAgents: object[]) => fixture.call('PATCH', `/v1/instances/${cluster}`, { otherAgents })
  expect((await patch([{ agentId: '0'.repeat(24) }])).body).toMatchObject({ field: 'otherAgents.0.agentId' })
  expect((await patch([{ agentId: agentIds[0] }])).body).toMatchObject({ status: 400, field: 'otherAgents' })
  expect((await patch([{ agentId: agentIds[1], host: 'x' }])).body).toMatchObject({ status: 400, field: 'otherAgents' })
  await expect(client.agents.delete(agentIds[1])).rejects.toMatchObject({ status: 409 })
  expect((await client.instances.list({ agent: agentIds[1] })).items.map(({ id }) => id)).toEqual([cluster])
  expect((await client.agents.get(agentIds[1])).instanceCount).toBe(1)

  const legacy = (await fixture.call('GET', `/serviceInstances/${cluster}`)).body
  expect(JSON.stringify(legacy)).not.toContain(agentIds[1])
  expect((await fixture.call('PUT', `/serviceInstances/${cluster}`, legacy)).status).toBe(200)
  const stored = await client.instances.get(cluster)
  expect(stored.otherAgents).toEqual([{ agentId: agentIds[1], host: 'two' }])
  expect(stored.database.passwordSet).toBe(true)

  const third = await client.agents.create({ url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' })
  expect((await patch([{ agentId: third.id }, { agentId: agentIds[1], host: 'two' }])).body).toMatchObject({
    otherAgents: [{ agentId: third.id }, { agentId: agentIds[1], host: 'two' }],
    database: { passwordSet: false },
  })
  // An agent that is never there delays nothing and prevents nothing.
  await say('backup', '1', '2')
  expect(await run(await createPlan())).toBe('second')
})

test('a backup at an agent that dies keeps the database to itself until it is given up; then another agent continues', async () => {
  await say('backup', '1', '100')
  await writeFile(join(fixture.folder, HOLD), '')
  const { client } = fixture
  const { id } = await client.plans.run((await createPlan()).id)
  await expect.poll(async () => (await client.jobs.get(id)).parts[0]?.stage).toBe('backup')
  const port = new URL(second.url).port
  await second.kill()
  await rm(join(fixture.folder, HOLD))
  const waiting = await client.plans.run((await createPlan()).id, { wait: true })
  await expect.poll(async () => (await client.jobs.get(id)).state, { timeout: 60_000 }).toBe('unknown')
  expect((await client.jobs.get(waiting.id)).parts[0]).toMatchObject({ state: 'queued', waitingFor: { jobId: id } })
  await client.jobs.giveUp(id)
  expect(agentOf(await fixture.waitForJob(waiting.id))).toBe('first')
  second = await startSecond(port)
  // It finishes what the crash interrupted first.
  await expect.poll(async () => run(await createPlan()), { timeout: 60_000 }).toBe('second')
})
