import { mkdir } from 'node:fs/promises'
import type { Job } from '@osb-backup/protocol/v1'
import { type AgentProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { errorsOf, jobEnd, makePlan, runBackup, startAgentWith } from '../main-job/fixture.ts'
import { createDatabase, owner } from './databases/fixture.ts'
import { createAccounts } from './harness.ts'
import { PostgresServer, superuser } from './servers.ts'

test('backups of a cluster continue when any node dies, taken from a standby, and a restore finds the primary', async () => {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const hba = ['host replication all 127.0.0.1/32 scram-sha-256']
  const primary = stack.use(await PostgresServer.start({ hba }))
  await createAccounts(primary)
  const shop = { name: 'shop', needs: 'owner', steps: [['owner', 'CREATE TABLE t AS SELECT 1 AS id']] } as const
  await createDatabase(primary, shop, 'shop')
  const standbys = await PostgresServer.startStandbys(primary, 2)
  const [one, two] = standbys.map((standby) => stack.use(standby))
  if (one === undefined || two === undefined) throw new Error('two standbys were started')
  const nodes = [primary, one, two]

  const data = stack.use(await makeTemporaryFolder())
  await mkdir(`${data.path}/dumps`)
  const agents: AgentProcess[] = []
  for (const _node of nodes) {
    agents.push(stack.use(await startAgentWith('postgresql', { file_destination_root: data.path })))
  }
  const { client, stop } = await startManagerProcess({
    DATA_DIR: `${data.path}/manager`,
    FILE_DESTINATION_ROOT: data.path,
    AGENT_UNREACHABLE_SECONDS: '20',
  })
  stack.defer(() => stop())
  const ids: string[] = []
  for (const { url, username, password } of agents) {
    ids.push((await client.agents.create({ url, username, password })).id)
  }
  const name = (index: number) => `node${index}`
  await client.instances.create({
    id: 'pg-cluster',
    agentId: ids[0] ?? '',
    otherAgents: ids.slice(1).map((agentId, index) => ({ agentId, host: name(index + 1) })),
    hosts: nodes.map(({ host: address, port }, index) => ({ name: name(index), address, port, backup: index === 0 })),
    database: {
      username: owner.username,
      password: owner.password,
      privilegedUsername: superuser.username,
      privilegedPassword: superuser.password,
    },
    parameters: { keep_previous_hours: 0 },
  })
  const store = { kind: 'file', directory: `${data.path}/dumps` } as const
  const fields = { excludedItems: ['globals'] }
  const plan = await makePlan(client, 'pg-cluster', ['*'], { name: 'dumps', store }, fields)
  const nodeOf = (job: Job) => {
    expect(errorsOf(job)).toEqual({ shop: undefined })
    return ids.indexOf(job.parts[0]?.agentId ?? '')
  }
  const kill = async (index: number) => {
    await nodes[index]?.crash()
    await agents[index]?.kill()
  }
  const restore = async (backup: Job) => {
    const [point] = (await client.restorePoints.list({ job: backup.id })).items
    return jobEnd(client, (await client.restorePoints.restore(point?.id ?? '')).id)
  }
  const rowsAt = (node: PostgresServer) => node.sql('shop', 'SELECT count(*) FROM t').catch(String)

  await primary.sql('shop', 'INSERT INTO t VALUES (2)')
  for (const standby of [one, two]) await expect.poll(() => rowsAt(standby), { timeout: 60_000 }).toBe('2')
  const streaming = 'SELECT count(*) FROM pg_stat_replication'
  await expect.poll(() => primary.sql('postgres', streaming), { timeout: 60_000 }).toBe('2')
  const first = await runBackup(client, plan)
  expect(nodeOf(first)).toBe(1)
  await primary.sql('shop', 'DELETE FROM t')
  expect(nodeOf(await restore(first))).toBe(0)
  expect(await rowsAt(primary)).toBe('2')
  await expect.poll(() => rowsAt(two), { timeout: 60_000 }).toBe('2')

  await kill(1)
  expect(nodeOf(await runBackup(client, plan))).toBe(2)
  await kill(0)
  const alone = await runBackup(client, plan)
  expect(nodeOf(alone)).toBe(2)
  expect(alone.parts[0]?.warnings.map(({ code }) => code)).toContain('standby')
  await two.promote()
  await two.sql('shop', 'DELETE FROM t')
  expect(nodeOf(await restore(alone))).toBe(2)
  expect(await rowsAt(two)).toBe('2')
})
