import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, vi } from 'vitest'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
interface Operation {
  method: Method
  path: string
  /** A body that fits, as the document has it. */
  example: unknown
  /** Whether it is open to every caller. */
  isOpen: boolean
}

let stack: AsyncDisposableStack
let manager: ManagerProcess
/** Every operation of the description that the API publishes of itself. */
export let operations: Operation[]
/** Resources of the instance "mine". */
export const ids = {
  agent: '',
  plan: '',
  destination: '',
  job: '',
  point: '',
  reconciliation: '',
  alarm: '',
  policy: '',
  exemption: '',
}
const mine = { service_instance_id: 'mine' }
/** A valid registration of an instance. */
export const instance = {
  hosts: [{ ip: '10.0.0.5', port: 5432 }],
  agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' },
}

/**
 * Calls the manager as it is on the wire; of a stream of events only the status is read.
 *
 * @param address - Where the call seems to come from.
 */
export async function call(
  method: Method,
  path: string,
  authorization: string | undefined,
  body?: unknown,
  address?: string,
) {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(address === undefined ? {} : { 'x-forwarded-for': address }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const isStream = response.headers.get('content-type') === 'text/event-stream'
  if (isStream) await response.body?.cancel()
  const text = isStream ? '' : await response.text()
  return {
    status: response.status,
    text,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined,
  }
}

export const bearer = (token: string) => `Bearer ${token}`
export const admin = bearer(TEST_TOKEN)

/** Creates a token; for all instances unless `fields` says otherwise. */
export async function createToken(fields: object): Promise<{ id: string; token: string }> {
  const { status, body } = await call('POST', '/tokens', admin, { name: 'test', serviceInstances: 'all', ...fields })
  expect(status).toBe(201)
  return body
}

/** An agent whose backup writes a few bytes. */
async function startSmallAgent(folder: string) {
  const scripts = join(folder, 'scripts')
  await mkdir(scripts)
  await mkdir(join(folder, 'store'))
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo a few bytes\n')
  return startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: join(folder, 'store'),
  })
}

/** Starts a manager and an agent before the tests of the calling file, and stops them after them. */
export function useAccessFixture(): void {
  beforeAll(startEverything)
  afterAll(() => stack.disposeAsync())
}

async function startEverything(): Promise<void> {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  const agent = await startSmallAgent(folder.path)
  stack.defer(() => agent.stop())
  manager = await startManagerProcess({
    DATA_DIR: join(folder.path, 'manager'),
    FILE_DESTINATION_ROOT: folder.path,
    ALARM_INTERVAL_SECONDS: '1',
    TRUSTED_PROXIES: '127.0.0.1',
  })
  stack.defer(() => manager.stop())
  instance.agent = { url: agent.url, username: agent.username, password: agent.password }
  expect((await call('PUT', '/serviceInstances/mine', admin, instance)).status).toBe(201)
  const other = { ...instance, agent: { ...instance.agent, url: 'http://127.0.0.1:9' } }
  expect((await call('PUT', '/serviceInstances/theirs', admin, other)).status).toBe(201)
  ids.agent = (await call('GET', '/v1/instances/mine', admin)).body.agentId
  const destination = { type: 'FILE', name: 'files', directory: join(folder.path, 'store'), serviceInstance: mine }
  ids.destination = (await call('POST', '/fileDestinations', admin, destination)).body.id
  const plan = {
    name: 'nightly',
    serviceInstance: mine,
    fileDestination: { id: ids.destination },
    frequency: '0 0 2 * * *',
    retentionStyle: 'ALL',
    items: ['db1'],
  }
  ids.plan = (await call('POST', '/backupPlans', admin, plan)).body.id
  ids.job = (await call('POST', '/backup', admin, { backupPlan: { id: ids.plan } })).body.backupJob.id
  const job = await manager.client.jobs.wait(ids.job, { signal: AbortSignal.timeout(240_000), intervalMs: 50 })
  expect(job.state).toBe('succeeded')
  ids.reconciliation = (await call('POST', `/v1/destinations/${ids.destination}/reconcile`, admin, {})).body.id
  ids.point = (await call('GET', '/restorePoints/byInstance/mine', admin)).body.content[0].id
  // It will never back up its item, so there is an alarm.
  const paused = {
    ...{ instanceId: 'mine', name: 'paused', destinationId: ids.destination, items: ['never'], paused: true },
    ...{ schedule: { cron: '0 0 2 29 2 *' }, retention: { style: 'all' } },
  }
  expect((await call('POST', '/v1/plans', admin, paused)).status).toBe(201)
  const alarms = () => call('GET', '/v1/alarms?instance=mine', admin).then(({ body }) => body.items)
  const [alarm] = await vi.waitUntil(async () => ((await alarms()).length > 0 ? alarms() : undefined), {
    timeout: 120_000,
    interval: 200,
  })
  ids.alarm = alarm.id
  const policy = { name: 'floor of mine', selector: { instances: ['mine'] }, floor: { encryptionRequired: false } }
  ids.policy = (await call('POST', '/v1/policies', admin, policy)).body.id
  const exemption = { instanceId: 'mine', reason: 'a test', expiresAt: new Date(Date.now() + 86_400_000).toISOString() }
  ids.exemption = (await call('POST', '/v1/policy-exemptions', admin, exemption)).body.id
  const document = (await call('GET', '/openapi.json', undefined)).body
  type Described = { description: string; requestBody?: { content: Record<string, { example: unknown }> } }
  operations = Object.entries<Record<string, Described>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { description, requestBody }]) => ({
      method: method.toUpperCase() as Method,
      path,
      example: requestBody?.content['application/json']?.example,
      isOpen: description === 'Open to every caller.',
    })),
  )
}

/** A path with ids that exist, all of the instance "mine". */
function filled(path: string): string {
  const resource = path.replace(/^\/v1\//, '/').split('/')[1] ?? ''
  const known: Record<string, string> = {
    agents: ids.agent,
    instances: 'mine',
    serviceInstances: 'mine',
    destinations: ids.destination,
    fileDestinations: ids.destination,
    plans: ids.plan,
    backupPlans: ids.plan,
    'restore-points': ids.point,
    reconciliations: ids.reconciliation,
    alarms: ids.alarm,
    policies: ids.policy,
    'policy-exemptions': ids.exemption,
    restorePoints: ids.point,
  }
  const id = known[resource] ?? ids.job
  return path.replace('{instanceId}', 'mine').replace('{id}', id).replace('{name}', 'broker-1')
}

/** A body that a caller with the right would get through with: with ids that exist, where a body holds any. */
function bodyFor({ path, example }: Operation): unknown {
  if (example === undefined) return undefined
  if (path === '/backup') return { backupPlan: { id: ids.plan } }
  if (path === '/restore') return { backupJob: { id: ids.job }, items: [{ item: 'db1' }] }
  if (typeof example !== 'object' || example === null) return example
  const known: Record<string, unknown> = {
    serviceInstance: mine,
    fileDestination: { id: ids.destination },
    instanceId: 'mine',
    agentId: ids.agent,
    destinationId: ids.destination,
    planId: ids.plan,
    name: 'taken over',
  }
  return Object.fromEntries(Object.entries(example).map(([field, value]) => [field, known[field] ?? value]))
}

/** Calls every operation of the description, and returns the answer to each. */
export async function callEverything(
  authorization: string | undefined,
): Promise<Map<string, { status: number; text: string }>> {
  const answers = new Map<string, { status: number; text: string }>()
  for (const operation of operations) {
    if (operation.isOpen) continue
    const answer = await call(operation.method, filled(operation.path), authorization, bodyFor(operation))
    answers.set(`${operation.method} ${operation.path}`, answer)
  }
  expect(answers.size).toBeGreaterThan(70)
  return answers
}
