import { randomBytes } from 'node:crypto'
import { freePort } from '@osb-backup/testkit'
import { Client } from 'pg'
import { inject } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { runInRoot, startInRoot } from './root-file-system.ts'

/** An account that may do nothing but use the database. */
const password = 'secret-of-the-database'

/** A database that the agent of an image backs up and restores. */
export interface ImageDatabase extends AsyncDisposable {
  /** How the agent reaches it. */
  access: Record<string, unknown>
  /** Replaces its content. */
  write(text: string): Promise<void>
  read(): Promise<string>
}

/** An image whose programs start the database, and a directory for its data. */
interface DatabaseImage {
  root: string
  account: string
  data: string
}

/** A database of the lab's PostgreSQL, which a role of its own owns. */
export async function ownPostgresql(): Promise<ImageDatabase> {
  await using stack = new AsyncDisposableStack()
  const { url, host, port } = inject('lab').postgresql
  const admin = new Client(url)
  await admin.connect()
  stack.defer(() => admin.end())
  const name = `image_${randomBytes(6).toString('hex')}`
  for (const [create, drop] of [
    [`create role ${name} login password '${password}'`, `drop role ${name}`],
    [`create database ${name} owner ${name}`, `drop database ${name} with (force)`],
  ] as const) {
    await admin.query(create)
    stack.defer(async () => {
      await admin.query(drop)
    })
  }
  const ask = async (...args: [string, unknown[]?]) => {
    const client = new Client({ host, port, user: name, password, database: name })
    await client.connect()
    try {
      return (await client.query<{ text: string }>(...args)).rows
    } finally {
      await client.end()
    }
  }
  await ask('create table notes (text text)')
  const resources = stack.move()
  return {
    access: { host, port, username: name, password, database: name },
    async write(text) {
      await ask('delete from notes')
      await ask('insert into notes values ($1)', [text])
    },
    read: async () => (await ask('select text from notes'))[0]?.text ?? '',
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** A Redis with a password alone. */
export async function ownRedis({ root, account, data }: DatabaseImage): Promise<ImageDatabase> {
  const port = String(await freePort())
  const options = { account, isReadOnly: true, mounts: { '/data': data } }
  const settings = ['--bind', '127.0.0.1', '--port', port, '--dir', '/data', '--requirepass', password]
  const server = startInRoot(root, ['redis-server', ...settings], options)
  const ask = (...command: string[]) =>
    expectSuccess(
      runInRoot(root, ['redis-cli', '-e', '-p', port, ...command], { ...options, env: { REDISCLI_AUTH: password } }),
    )
  await untilAnswers(() => ask('ping'), server)
  const access = { host: '127.0.0.1', port: Number(port), username: 'default', password }
  return {
    access: { ...access, database: 'server', parameters: [{ replace: true }] },
    async write(text) {
      await ask('set', 'note', text)
    },
    read: async () => (await ask('get', 'note')).trim(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function expectSuccess(running: Promise<{ code: number | null; output: string }>): Promise<string> {
  const { code, output } = await running
  if (code !== 0) throw new Error(`it exited with ${code}: ${output}`)
  return output
}

/** Waits until a server answers; one that ends fails the test with its output. */
async function untilAnswers(ask: () => Promise<unknown>, server: ReturnType<typeof startInRoot>): Promise<void> {
  let hasEnded = false
  void server.ended().then(() => {
    hasEnded = true
  })
  const answers = () =>
    ask().then(
      () => true,
      () => {
        if (hasEnded) throw new Error(`the database ended: ${server.output()}`)
        return false
      },
    )
  await until(answers, 'the database answers')
}
