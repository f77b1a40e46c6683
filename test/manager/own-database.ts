import { randomBytes } from 'node:crypto'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { inject } from 'vitest'

/** A database of its own on the lab's PostgreSQL. */
export interface OwnDatabase extends AsyncDisposable {
  url: string
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
}

/** Makes a database, which goes when it is disposed of. */
export async function makeDatabase(): Promise<OwnDatabase> {
  const { url } = inject('lab').postgresql
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = new Client(url)
  await admin.connect()
  await admin.query(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const client = new Client(own.href)
  await client.connect()
  return {
    url: own.href,
    query: async (text, values) => (await client.query(text, values)).rows,
    async [Symbol.asyncDispose]() {
      await client.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** Inserts the plan `p` of the instance `i`, whose agent is `a`, and its destination `d`. The tables must exist. */
export async function insertPlan(own: OwnDatabase): Promise<void> {
  await own.query(`insert into agents (id, url, username, implicit) values ('a', 'http://a', 'a', false)`)
  await own.query(`insert into service_instances (id, parameters, hosts, backup_host, backup_port, agent_id)
    values ('i', '{}', '[]', 'h', 1, 'a')`)
  await own.query(`insert into file_destinations (id, instance_id, name, store) values ('d', 'i', 'files', '{}')`)
  await own.query(`insert into backup_plans (id, instance_id, destination_id, name, paused, compression, frequency, timezone,
    retention_style, retention_period, items) values ('p', 'i', 'd', 'plan', true, false, '', 'UTC', 'ALL', 1, '["db"]')`)
}

/** Starts a manager on a database of its own, and removes both, the data directory included, when it is disposed of. */
export async function startManagerOnDatabase(settings: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  const database = stack.use(await makeDatabase())
  const manager = await startManagerProcess({ DATA_DIR: folder, DATABASE_URL: database.url, ...settings })
  stack.defer(() => manager.stop())
  return { manager, database, folder, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
