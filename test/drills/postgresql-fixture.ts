import { randomUUID } from 'node:crypto'
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DrillSettings, Job, Plan } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { inject } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { withDatabase } from '../main-job/databases.ts'

const pack = join(import.meta.dirname, '..', '..', 'script-packs', 'postgresql')

/** A database on the lab's PostgreSQL that is backed up, and a drill target beside it, both with accounts of their own. */
export interface PostgresqlFixture extends AsyncDisposable {
  fixture: Fixture
  /** The item: a database with 42 orders. */
  item: string
  /** The drill target. */
  target: string
  createPlan(drill?: Partial<DrillSettings>): Promise<Plan>
  /** Runs a plan now; fails if its job does. */
  backUp(planId: string): Promise<void>
  /** Starts a drill, and waits for its end. */
  drill(planId: string): Promise<Job>
  /** The databases and roles that drills left on the server. */
  leftOnServer(): Promise<string[]>
  /** Until `release`, the script of a stage waits as soon as it is reached. */
  hold(stage: string): Promise<{ reached(): Promise<boolean>; release(): Promise<void> }>
}

/** @param parameters - Of the instance that is backed up. */
export async function startPostgresqlFixture(parameters: Record<string, unknown> = {}): Promise<PostgresqlFixture> {
  const server = inject('lab').postgresql
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  const scripts = join(folder, 'pack')
  await cp(pack, scripts, { recursive: true })
  const id = randomUUID().slice(0, 8)
  const [item, owner, drillRole] = [`shop_${id}`, `owner_${id}`, `drill_${id}`]
  const asAdmin = (statement: string) => withDatabase(server.url, 'postgres', (sql) => sql.query(statement))
  await asAdmin(`create role ${owner} login password 'owner'`)
  await asAdmin(`create role ${drillRole} login createdb password 'drill'`)
  await asAdmin(`create database ${item} owner ${owner}`)
  stack.defer(async () => {
    await asAdmin(`drop database if exists ${item} with (force)`)
    await asAdmin(`drop role if exists ${owner}`)
    await asAdmin(`drop role if exists ${drillRole}`)
  })
  await withDatabase(server.url, item, async (sql) => {
    await sql.query(`set role ${owner}`)
    await sql.query('create schema app; create table app.orders (id int primary key)')
    await sql.query('insert into app.orders select generate_series(1, 42)')
  })
  const fixture = stack.use(await startFixture({}, {}, { scripts_path: scripts }))
  const { client, agentId, destinations } = fixture
  const hosts = [{ address: server.host, port: server.port }]
  const source = `shop-${id}`
  const target = `drills-${id}`
  const database = { username: owner, password: 'owner' }
  await client.instances.create({ id: source, agentId, hosts, database, parameters })
  await client.instances.create({
    id: target,
    agentId,
    hosts,
    database: {
      username: drillRole,
      password: 'drill',
      privilegedUsername: server.username,
      privilegedPassword: server.password,
    },
    items: ['osb_drill_*'],
    parameters: { missing_roles: 'skip' },
    drillTarget: true,
  })
  const store = { kind: 'file', directory: join(destinations, source) } as const
  await mkdir(store.directory)
  const destination = await client.destinations.create({ instanceId: source, name: 'files', store })
  return {
    fixture,
    item,
    target,
    createPlan: (drill = {}) =>
      fixture.createPlan({
        instanceId: source,
        destinationId: destination.id,
        items: [item],
        drill: { target: { kind: 'instance', instanceId: target }, ...drill },
      }),
    async backUp(planId) {
      const { parts } = await fixture.runPlan(planId)
      const [error] = parts.flatMap((part) => part.error ?? [])
      if (error !== undefined) throw new Error(error)
    },
    async drill(planId) {
      const job = await fixture.client.plans.drill(planId)
      return fixture.waitForJob(job.id)
    },
    leftOnServer: async () => {
      const { rows } = await asAdmin(
        `select datname as name from pg_database where datname like 'osb\\_drill\\_%' or datname like 'osb\\_restore\\_%'
         union all select rolname from pg_roles where rolname like 'osb\\_restore\\_%'`,
      )
      return rows.map(({ name }) => name as string)
    },
    async hold(stage) {
      const script = join(scripts, `${stage}.sh`)
      const [text, name] = [await readFile(script, 'utf8'), randomUUID()]
      const [reached, go] = [join(folder, `${name}.reached`), join(folder, `${name}.go`)]
      await replace(script, `: >"${reached}"; until [ -e "${go}" ]; do sleep 0.05; done\n${text}`)
      return {
        reached: () =>
          readFile(reached).then(
            () => true,
            () => false,
          ),
        release: async () => {
          await writeFile(go, '')
          await replace(script, text)
        },
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Replaces a script. One that runs is read to its end: bash would go on at the same offset of what was written over it. */
async function replace(script: string, text: string): Promise<void> {
  await writeFile(`${script}.new`, text, { mode: 0o755 })
  await rename(`${script}.new`, script)
}
