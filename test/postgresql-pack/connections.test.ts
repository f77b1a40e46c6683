import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createDatabase } from './databases/fixture.ts'
import { dependentViews } from './databases/tables.ts'
import { createAccounts, type Setup, succeeded, useAgent, useServer } from './harness.ts'
import { clientPrograms } from './postgres-software.ts'
import { createAndBackUp, dropAfterTest, newName } from './round-trip.ts'
import { isInstalled, PostgresServer, type ServerOptions } from './servers.ts'

const run = promisify(execFile)
const servers = useServer()
const agents = useAgent()

/** A server for a single test, with the accounts. */
async function startServer(options: ServerOptions): Promise<PostgresServer> {
  const server = await PostgresServer.start(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  await createAccounts(server)
  return server
}

test.each<[string, Record<string, string | number>, string]>([
  ['a wrong password', { password: 'wrong-password-1' }, 'correct username and password of the service instance'],
  ['an unknown user', { username: 'nobody' }, 'correct username and password of the service instance'],
  ['a wrong port', { port: 1 }, 'the server does not answer: start it, or correct host and port of the service'],
  ['an unknown host', { host: 'nowhere.invalid' }, 'DNS does not know the host: correct the hosts of the service'],
])('%s fails backup and restore with what to do, without the password', async (_, changes, advice) => {
  const { server } = servers
  const { agent } = agents
  const target = { server, database: 'postgres', setup: 'owner', changes } as const
  const { host = server.host, port = server.port, username = 'app' } = changes
  const sentence = `cannot use the database postgres at ${host}:${port} as ${username}: ${advice}`
  const backup = await agent.backup(target)
  expect(backup).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(backup.error_message).toContain(sentence)

  const folder = join(agent.under.bucket, 'plan')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'x.dump'), 'never read')
  const restore = await agent.restore(target, 'x.dump')
  expect(restore).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(restore.error_message).toContain(sentence)
  for (const secret of ['wrong-password-1', 'app-secret-1'])
    expect(JSON.stringify([backup, restore])).not.toContain(secret)
})

test('an unknown database fails the backup with what to do', async () => {
  const { server } = servers
  const job = await agents.agent.backup({ server, database: 'no-such-database', setup: 'owner' })
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(job.error_message).toContain('there is no such database: create it, or correct the name')
})

test('what is no dump is refused, and changes nothing', async () => {
  const { server } = servers
  const { agent } = agents
  const { database, before } = await createAndBackUp({ server, agent }, dependentViews, 'owner')
  await writeFile(join(agent.under.bucket, 'plan', 'text.dump'), 'DROP TABLE customer CASCADE;\n')
  for (const setup of ['owner', 'superuser'] as const) {
    const job = await agent.restore({ server, database, setup }, 'text.dump')
    expect(job.error_message).toContain('neither an archive of pg_dump nor the output of pg_dumpall')
  }
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

describe('over a Unix socket, a server that knows the agent’s user needs no password', () => {
  const user = userInfo().username
  const knowing = useServer({
    hba: ['local all app,superuser peer map=agents'],
    files: { 'pg_ident.conf': `agents ${user} app\nagents ${user} superuser\n` },
  })

  test.each<[Setup]>([['owner'], ['superuser']])('as %s', async (setup) => {
    const { server } = knowing
    const { agent } = agents
    const database = newName('socket')
    dropAfterTest(server, database)
    await createDatabase(server, dependentViews, database)
    const before = await digestOf(server, database)
    const changes = { password: 'none', host: 'nowhere.invalid' }
    const target = { server, database, setup, changes, parameters: { socket_directory: server.socketFolder } }
    const filename = succeeded(await agent.backup(target))
    await server.sql(database, 'DELETE FROM measure')
    succeeded(await agent.restore(target, filename))
    expect(differences(before, await digestOf(server, database))).toEqual([])
  })
})

const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)

/** Creates a key and a certificate for the loopback address, signed with the key itself. */
async function createCertificate(): Promise<{ path: string; key: string; certificate: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [keyPath, path] = [join(folder, 'server.key'), join(folder, 'server.crt')]
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyPath, '-out', path, ...subject])
  return { path, key: await readFile(keyPath, 'utf8'), certificate: await readFile(path, 'utf8') }
}

test.skipIf(!openssl)(
  `the server’s certificate is checked where sslmode asks for it${openssl ? '' : ' (skipped: no openssl)'}`,
  async () => {
    const { agent } = agents
    const [own, other] = [await createCertificate(), await createCertificate()]
    const server = await startServer({
      settings: { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key', log_connections: 'on' },
      files: { 'server.crt': own.certificate, 'server.key': own.key },
    })
    const { database, before } = await createAndBackUp({ server, agent }, dependentViews, 'owner')
    const target = (sslrootcert: string, changes = {}, sslmode = 'verify-full') =>
      ({ server, database, setup: 'owner+superuser', parameters: { sslmode, sslrootcert }, changes }) as const
    const filename = succeeded(await agent.backup(target(own.path)))
    succeeded(await agent.restore(target(own.path), filename))
    expect(differences(before, await digestOf(server, database))).toEqual([])
    expect(await server.log()).toMatch(/application_name=osb-backup.*SSL enabled/)

    const refused = [
      await agent.backup(target(other.path)),
      await agent.restore(target(other.path), filename),
      // The certificate is for the address alone.
      await agent.backup(target(own.path, { host: 'localhost' })),
    ]
    for (const job of refused) {
      expect(job.status).toBe('FAILED')
      expect(job.error_message).toContain('check the parameters "sslmode" and "sslrootcert"')
    }
    succeeded(await agent.backup(target(own.path, { host: 'localhost' }, 'verify-ca')))
    const missing = await agent.backup(target('/no/such/file'))
    expect(missing.error_message).toContain('/no/such/file, which cannot be read')
  },
)

const newest = Number((await clientPrograms()).split('/').at(-2))
const tooOld = newest >= 18 ? `pg_dump ${newest} is installed` : undefined
const why = tooOld ?? ((await isInstalled(18)) ? undefined : 'PostgreSQL 18 is not installed')
test.skipIf(why)(
  `a pg_dump that is older than the server fails the check, with what to install${why === undefined ? '' : ` (skipped: ${why})`}`,
  async () => {
    const server = await startServer({ major: 18 })
    const job = await agents.agent.backup({ server, database: 'postgres', setup: 'superuser' })
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
    expect(job.error_message).toContain(
      `pg_dump is of version ${newest}, the server of version 18: install postgresql-client-18 or newer`,
    )
  },
)
