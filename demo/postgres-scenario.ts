import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Scenario } from './scenario.ts'

const DATABASE = 'shop'
const ROWS = 250_000
const lab = join(import.meta.dirname, '..', 'lab', 'postgresql')

/**
 * A PostgreSQL server of the demo's own, from the programs on this machine.
 *
 * @returns Undefined if there are none that can be started.
 */
export async function postgresScenario(folder: string): Promise<Scenario | undefined> {
  const state = join(folder, 'postgresql')
  const environment = { LAB_POSTGRESQL_STATE: state, LAB_POSTGRESQL_PORT: String(await freePort()) }
  if (!(await runScript('start.sh', environment))) return undefined
  const stop = async () => {
    await runScript('stop.sh', environment)
  }
  try {
    const { host, port, username, password } = JSON.parse(await readFile(join(state, 'env.json'), 'utf8'))
    const passwordFile = join(folder, 'database-password')
    await writeFile(passwordFile, password, { mode: 0o600 })
    return {
      ...(await fillServer({ host, port, user: username, password })),
      instanceOptions: ['--host', `${host}:${port}`, '--username', username, '--password-file', passwordFile],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function fillServer(server: object): Promise<Omit<Scenario, 'stop' | 'instanceOptions'>> {
  const inDatabase = <T>(database: string, work: (client: Client) => Promise<T>) =>
    withClient({ ...server, database }, work)
  await inDatabase('postgres', (client) => client.query(`create database ${DATABASE}`))
  await inDatabase(DATABASE, (client) =>
    client.query(`
      create table customers as select id, 'Kundin ' || id as name, md5(id::text) as note from generate_series(1, 5000) id;
      create table orders as select id, 1 + id % 5000 as customer, repeat(md5(id::text), 6) as content, now() as placed
        from generate_series(1, ${ROWS}) id;
      create index on orders (customer);`),
  )
  return {
    title: `a PostgreSQL database with ${ROWS.toLocaleString('en')} orders`,
    pack: 'postgresql',
    items: [DATABASE],
    digest: () => inDatabase(DATABASE, digestOf).catch((error: Error) => `none: ${error.message}`),
    async damage() {
      await inDatabase(DATABASE, (client) =>
        client.query(
          `drop table customers; delete from orders where id % 3 = 0; update orders set content = '' where id = 1`,
        ),
      )
      return 'table "customers" is dropped, a third of the orders is deleted and one is emptied'
    },
  }
}

/** A digest over every row of every table. */
async function digestOf(client: Client): Promise<string> {
  const digests: string[] = []
  for (const table of ['customers', 'orders']) {
    const { rows } = await client.query(
      `select md5(string_agg(md5(t::text), '' order by id)) as digest from ${table} t`,
    )
    digests.push(rows[0].digest)
  }
  return digests.join('+')
}

async function withClient<T>(address: object, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(address)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function runScript(script: string, environment: Record<string, string>): Promise<boolean> {
  const env = { ...process.env, ...environment }
  // In a group of its own: Ctrl-C is for the demo, which lets the scripts end.
  const child = spawn('bash', [join(lab, script)], { env, stdio: 'ignore', detached: true })
  const [code] = await once(child, 'close')
  return code === 0
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port to be had')
  return address.port
}
