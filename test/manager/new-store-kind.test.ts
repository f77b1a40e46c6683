import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupClient } from '@osb-backup/client'
import type { Job } from '@osb-backup/protocol/v1'
import {
  type AgentProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'
import { vaultKind } from '../fixtures/vault-kind.ts'

/** The programs of this repository with a further kind of store: a folder with its module, and an entry in the list. */
const repository = join(import.meta.dirname, '..', '..')
const PIN = 'pin-4711'
const instanceId = 'i'
const JOB_TIMEOUT_MS = 240_000

let stack: AsyncDisposableStack
let folder: string
let agent: AgentProcess
let vaults: string
let client: BackupClient
let url: string

/** Copies the programs, which find the packages that they depend on in the repository. */
async function copyPrograms(to: string): Promise<void> {
  const packages = ['protocol', 'core', 'node', 'storage', 'agent', 'manager']
  const modules = join(to, 'node_modules')
  await mkdir(join(modules, '@osb-backup'), { recursive: true })
  for (const name of packages) {
    await cp(join(repository, 'packages', name), join(to, 'packages', name), { recursive: true })
    await symlink(join(to, 'packages', name), join(modules, '@osb-backup', name))
  }
  for (const name of await readdir(join(repository, 'node_modules'))) {
    if (name !== '@osb-backup') await symlink(join(repository, 'node_modules', name), join(modules, name))
  }
}

/** All that a new kind needs. */
async function addKind(programs: string): Promise<void> {
  const storage = join(programs, 'packages/storage/src')
  await cp(join(import.meta.dirname, '../fixtures/vault-kind.ts'), join(storage, 'vault/vault-kind.ts'))
  const list = join(storage, 'kinds.ts')
  const text = await readFile(list, 'utf8')
  const extended = text.replace('fileKind] as const', 'fileKind, vaultKind] as const')
  expect(extended).not.toBe(text)
  await writeFile(list, `import { vaultKind } from './vault/vault-kind.ts'\n${extended}`)
}

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  folder = stack.use(await makeTemporaryFolder()).path
  const [programs, scripts] = [join(folder, 'programs'), join(folder, 'scripts')]
  vaults = join(folder, 'vaults')
  await mkdir(join(vaults, PIN), { recursive: true })
  await mkdir(scripts)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo "the content of $BACKUP_DATABASE"\n')
  await writeFile(join(scripts, 'restore'), `cat > '${join(folder, 'restored')}'\n`)
  await copyPrograms(programs)
  await addKind(programs)
  const agentSettings = {
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: vaults,
  }
  agent = await startAgentProcess(agentSettings, [], join(programs, 'packages/agent/src/main.ts'))
  stack.defer(() => agent.stop())
  const managerSettings = { DATA_DIR: join(folder, 'manager'), FILE_DESTINATION_ROOT: vaults }
  const manager = await startManagerProcess(managerSettings, [], join(programs, 'packages/manager/src/main.ts'))
  stack.defer(() => manager.stop())
  ;({ client, url } = manager)
  await registerInstance(client, instanceId, agent)
})

afterAll(() => stack.disposeAsync())

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' }
  const response = await fetch(url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

const waitFor = ({ id }: Job) => client.jobs.wait(id, { signal: AbortSignal.timeout(JOB_TIMEOUT_MS), intervalMs: 50 })

/** Creates a destination of the new kind in /v1. */
async function createVault(name: string): Promise<string> {
  const store = { kind: 'vault', directory: vaults, pin: PIN }
  const created = await call('POST', '/v1/destinations', { instanceId, name, store })
  expect(created).toMatchObject({ status: 201, body: { store: { kind: 'vault', directory: vaults, pinSet: true } } })
  expect(JSON.stringify(created.body)).not.toContain(PIN)
  return (created.body as { id: string }).id
}

test('a backup to a kind that was added to the list is stored there, and restored from there', async () => {
  const destinationId = await createVault('backups')
  expect(await client.destinations.check(destinationId)).toMatchObject({ usable: true })
  const schedule = { cron: '0 0 2 29 2 *' }
  const retention = { style: 'all' } as const
  const compression = { algorithm: 'none' } as const
  const plan = { instanceId, name: 'nightly', destinationId, items: ['shop'], schedule, retention, compression }
  const { id: planId } = await client.plans.create(plan)
  const backup = await waitFor(await client.plans.run(planId))
  expect(backup).toMatchObject({ state: 'succeeded' })
  const objectName = backup.parts[0]?.objectName ?? ''
  expect(await readFile(join(vaults, PIN, objectName), 'utf8')).toBe('the content of shop\n')

  const [point] = (await client.restorePoints.list({ plan: planId })).items
  const restore = await waitFor(await client.restorePoints.restore(point?.id ?? ''))
  expect(restore).toMatchObject({ state: 'succeeded' })
  expect(await readFile(join(folder, 'restored'), 'utf8')).toBe('the content of shop\n')

  const shown = {
    type: 'VAULT',
    directory: vaults,
    name: 'backups',
    serviceInstance: { service_instance_id: instanceId },
  }
  expect(await call('GET', `/backupPlans/${planId}`)).toMatchObject({ status: 200, body: { fileDestination: shown } })
  expect(await call('GET', `/backupJobs/${backup.id}`)).toMatchObject({
    status: 200,
    body: { status: 'SUCCEEDED', destination: shown, backupPlan: { fileDestination: shown } },
  })
})

test('its destinations are read by the typed client, which does not know the kind, and are changed and found', async () => {
  const id = await createVault('changed')
  const renamed = await call('PATCH', `/v1/destinations/${id}`, { name: 'renamed', store: { kind: 'vault' } })
  expect(renamed).toMatchObject({ status: 200, body: { name: 'renamed', store: { pinSet: true } } })
  expect(await client.destinations.get(id)).toMatchObject({
    name: 'renamed',
    store: { kind: 'vault', directory: vaults, pinSet: true },
  })
  const found = await call('GET', '/v1/destinations?kind=vault')
  expect((found.body as { items: { id: string }[] }).items.map((each) => each.id)).toContain(id)
  expect(await call('GET', '/v1/destinations?kind=file')).toMatchObject({ status: 200, body: { items: [] } })
})

test.for([
  { store: { kind: 'vault', directory: '/', pin: PIN, bucket: 'b' }, code: 'unknown-field', field: 'store.bucket' },
  { store: { kind: 'vault', pin: PIN }, code: 'invalid-request', field: 'store.directory' },
  { store: { kind: 'vault', directory: '/' }, code: 'invalid-request', field: 'store.pin' },
  { store: { kind: 'shelf' }, code: 'invalid-request', field: 'store.kind' },
])('$store is refused for $field', async ({ store, code, field }) => {
  const refused = await call('POST', '/v1/destinations', { instanceId, name: 'x', store })
  expect(refused).toMatchObject({ status: 400, body: { code, field } })
})

test('its destinations are created, tried and shown in the legacy API', async () => {
  const sent = {
    type: 'VAULT',
    directory: vaults,
    pin: PIN,
    name: 'legacy',
    serviceInstance: { service_instance_id: instanceId },
  }
  const created = await call('POST', '/fileDestinations', sent)
  expect(created).toMatchObject({ status: 201, body: { type: 'VAULT', name: 'legacy', directory: vaults } })
  expect(JSON.stringify(created.body)).not.toContain(PIN)
  expect(await call('POST', '/fileDestinations/validate', { ...sent, name: 'other' })).toMatchObject({
    status: 200,
    body: { type: 'VAULT' },
  })
  const { status } = await call('POST', '/fileDestinations', { ...sent, serviceInstance: undefined })
  expect(status).toBe(400)
})

test('it is described like the others in OpenAPI', async () => {
  const text = JSON.stringify((await call('GET', '/openapi.json')).body)
  expect(text).toContain('"description":"What opens the vault"')
  expect(text).toContain(`"const":"${vaultKind.type}"`)
  expect(text).toContain(`"const":"${vaultKind.wireType}"`)
  expect(text).toContain('"enum":["s3","swift","file","vault"]')
})

test('a job whose store cannot be loaded fails before it locks anything', async () => {
  await rm(join(folder, 'programs/packages/storage/src/s3/s3-store.ts'))
  await writeFile(join(folder, 'scripts/pre-backup-lock'), `: > '${join(folder, 'locked')}'\n`)
  const authorization = `Basic ${Buffer.from(`${agent.username}:${agent.password}`).toString('base64')}`
  const ask = async (method: string, path: string, body?: object) => {
    const text = body === undefined ? null : JSON.stringify(body)
    const answer = await fetch(agent.url + path, { method, headers: { authorization }, body: text })
    return method === 'GET' ? answer.json() : answer.status
  }
  const destination = { type: 'S3', bucket: 'b', endpoint: 'http://127.0.0.1:1', authKey: 'k', authSecret: 'secret-12' }
  const backup = { host: 'host', username: 'user', password: 'password', database: 'unloadable' }
  expect(await ask('POST', '/backup', { id: 'unloadable', encryption_key: 'none', destination, backup })).toBe(201)
  await expect
    .poll(() => ask('GET', '/backup/unloadable'), { timeout: JOB_TIMEOUT_MS })
    .toMatchObject({
      status: 'FAILED',
      error_message: expect.stringContaining('s3-store.ts'),
    })
  expect(existsSync(join(folder, 'locked'))).toBe(false)
})
