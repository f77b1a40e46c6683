import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { BackupClient } from '@osb-backup/client'
import type { FileDestinationRequest } from '@osb-backup/protocol'
import type { Job } from '@osb-backup/protocol/v1'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { secret, secrets, spellings } from './canary-secrets.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let database: OwnDatabase
let agent: AgentProcess
let manager: ManagerProcess
let store: string
/** All traces that manager and agent exported. */
const traces: string[] = []
/** All that the manager answered, with headers, and all that its events said. */
const answers: string[] = []

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const folder = stack.use(await makeTemporaryFolder()).path
  const scripts = join(folder, 'scripts')
  store = join(folder, 'store')
  await mkdir(scripts)
  await mkdir(store)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  // Scripts of others may be as talkative as this one.
  const telling = 'echo "logging in with $BACKUP_PASSWORD" >&2; env >&2'
  await writeFile(join(scripts, 'backup'), `${telling}\n[ "$BACKUP_DATABASE" != fails ] || exit 3\necho a dump\n`)
  await writeFile(join(scripts, 'restore'), `${telling}\ncat >/dev/null\n`)
  secrets.identity = await generateIdentity()
  const collector = createServer(async (request, response) => {
    traces.push(await text(request))
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  stack.defer(() => void collector.close())
  const tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secret('collectorToken')}`,
  }
  agent = await startAgentProcess({
    client_password: secret('agentPassword'),
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: store,
    log_level: 'trace',
    store_outage_seconds: '1',
    ...tracing,
  })
  stack.defer(() => agent.stop())
  manager = await startManagerProcess({
    DATA_DIR: join(folder, 'manager'),
    DATABASE_URL: database.url,
    FILE_DESTINATION_ROOT: store,
    ADMIN_TOKEN: secret('adminToken'),
    SECRET_KEY: secret('sealingKey'),
    LOG_LEVEL: 'trace',
    AGENT_UNREACHABLE_SECONDS: '1',
    ...tracing,
  })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

const serviceInstance = { service_instance_id: 'canaries' }

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      authorization: `Bearer ${secret('adminToken')}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  answers.push(JSON.stringify([...response.headers]), text)
  return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined }
}

const destinations = {
  s3: {
    ...{ type: 'S3', name: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'key' },
    authSecret: secret('s3Secret'),
    serviceInstance,
  },
  swift: {
    ...{ type: 'SWIFT', name: 'swift', authUrl: 'http://127.0.0.1:9/v3', domain: 'd', project_name: 'p' },
    ...{ container_name: 'c', username: 'u', password: secret('swiftPassword') },
    serviceInstance,
  },
} as const satisfies Record<string, FileDestinationRequest>

/** Uses everything that knows a secret, in ways that go well and in ways that fail. */
async function useEverything(client: BackupClient): Promise<void> {
  const instance = {
    hosts: [{ ip: '10.0.0.5', port: 5432 }],
    username: 'backup',
    password: secret('databasePassword'),
    agent: { url: agent.url, username: agent.username, password: secret('agentPassword') },
  }
  expect((await call('PUT', '/serviceInstances/canaries', instance)).status).toBe(201)
  const lost = { ...instance, agent: { ...instance.agent, url: 'http://127.0.0.1:1' } }
  expect((await call('PUT', '/serviceInstances/lost', lost)).status).toBe(201)
  const file = await call('POST', '/fileDestinations', {
    type: 'FILE',
    name: 'file',
    directory: store,
    serviceInstance,
  })
  const s3 = await call('POST', '/fileDestinations', destinations.s3)
  await call('POST', '/fileDestinations', destinations.swift)
  const recipient = await identityToRecipient(secret('identity'))
  const plan = (name: string, destination: { id: string }, fields: object) =>
    call('POST', '/backupPlans', {
      ...{ name, serviceInstance, fileDestination: { id: destination.id }, frequency: '@daily' },
      ...{ retentionStyle: 'ALL', items: ['db1', 'fails'], ...fields },
    })
  const plans = [
    await plan('sealed', file.body, { publicKey: recipient, privateKey: secret('identity') }),
    await plan('to nowhere', s3.body, { publicKey: recipient, privateKey: secret('identity') }),
    await plan('key of scripts', file.body, { publicKey: 'a key', privateKey: secret('scriptKey') }),
  ]
  for (const { body } of plans) await run(client, '/backup', { backupPlan: body })
  const job = (await client.jobs.list({ instance: 'canaries', limit: 100 })).items.at(-1)
  await run(client, '/restore', { backupJob: { id: job?.id }, items: [{ item: 'db1' }] })
  await run(client, '/restore', {
    backupJob: { id: job?.id },
    items: [{ item: 'db1' }],
    privateKey: secret('identity'),
  })
  for (const [field, value] of Object.entries({ authSecret: secret('s3Secret'), endpoint: 'not a url' })) {
    await call('POST', '/fileDestinations/validate', { ...destinations.s3, [field]: value })
  }
  await call('POST', '/fileDestinations/validate', destinations.swift)
  await call('PUT', '/brokerAccounts/broker', { password: secret('brokerPassword'), serviceInstances: 'all' })
  const { body: made } = await call('POST', '/tokens', { name: 'made', role: 'viewer', serviceInstances: 'all' })
  // The one answer that shows a token.
  secrets.madeToken = made.token
  answers.splice(-1)
  await useV1(client, plans[0]?.body.id)
}

/** The same over `/v1`. */
async function useV1(client: BackupClient, planId: string): Promise<void> {
  const database = {
    username: 'u',
    password: secret('databasePassword'),
    privilegedPassword: secret('databasePassword'),
  }
  const access = { url: agent.url, username: agent.username, password: secret('agentPassword') }
  const { body: registered } = await call('POST', '/v1/agents', access)
  await call('POST', '/v1/agents', { ...access, url: `${agent.url}?${secret('agentPassword')}` })
  const hosts = [{ address: '10.0.0.5', port: 5432 }]
  const instance = { id: 'canaries-v1', agentId: registered.id, hosts, database }
  expect((await call('POST', '/v1/instances', instance)).status).toBe(201)
  await call('PATCH', '/v1/instances/canaries-v1', { database: { password: [secret('databasePassword')] } })
  const { authSecret, endpoint, bucket, authKey } = destinations.s3
  const store = { kind: 's3', authSecret, endpoint, bucket, authKey }
  const destination = { instanceId: 'canaries-v1', name: 's3', store }
  const { body: made } = await call('POST', '/v1/destinations', destination)
  await call('POST', '/v1/destinations', { ...destination, store: { ...store, secret: authSecret } })
  await call('PATCH', `/v1/destinations/${made.id}`, { store: { kind: 's3', authSecret: [authSecret] } })
  await call('POST', `/v1/destinations/${made.id}/check`)
  await call('POST', '/v1/destinations/check', destination)
  await call('PATCH', `/v1/plans/${planId}`, { encryption: { privateKey: secret('identity') } })
  await call('POST', '/v1/broker-accounts', { name: 'v1', password: secret('brokerPassword'), instances: 'all' })
  await run(client, `/v1/plans/${planId}/run`, undefined)
  const [point] = (await client.restorePoints.list({ plan: planId })).items
  await run(client, `/v1/restore-points/${point?.id}/restore`, { privateKey: secret('identity') })
}

async function run(client: BackupClient, path: string, body: unknown): Promise<Job> {
  const started = await call('POST', path, body)
  expect([path, started.status < 300, started.text]).toEqual([path, true, started.text])
  const { id } = started.body.restoreJob ?? started.body.backupJob ?? started.body
  return client.jobs.wait(id, { signal: AbortSignal.timeout(240_000), intervalMs: 100 })
}

/** Requests that are wrong, with secrets in places where they do not belong. */
async function makeMistakes(): Promise<void> {
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`broker:${password}`)}` })
  await call('DELETE', '/backupPlans/byInstance/unknown', undefined, basic(secret('brokerPassword')))
  await call('DELETE', '/backupPlans/byInstance/canaries', undefined, basic(secret('wrongPassword')))
  await call('GET', '/tokens', undefined, { authorization: `Bearer ${secret('wrongToken')}` })
  await call('GET', '/tokens', undefined, { authorization: `Token ${secret('wrongToken')}` })
  await call('POST', '/fileDestinations', JSON.stringify(destinations.s3).slice(0, -5))
  await call('POST', '/fileDestinations', { ...destinations.s3, authSecret: [secret('s3Secret')] })
  await call('POST', '/fileDestinations', {
    ...destinations.s3,
    endpoint: `http://u:${secret('s3Secret')}@127.0.0.1:9`,
  })
  await call('PUT', '/serviceInstances/canaries', { password: { is: secret('databasePassword') } })
  const url = `http://agent:${secret('agentPassword')}@127.0.0.1`
  await call('PUT', '/serviceInstances/canaries', { hosts: [], agent: { url, username: 'a', password: 'b' } })
  await call('PUT', '/brokerAccounts/broker', { password: secret('brokerPassword'), serviceInstances: 'some' })
  await call('POST', '/tokens', { name: 'x', role: secret('adminToken'), serviceInstances: 'all' })
}

/** Reads everything that can be read, over the API's own description. */
async function readEverything(client: BackupClient): Promise<void> {
  const { body: document } = await call('GET', '/openapi.json')
  const instance = 'canaries'
  const [plan] = (await client.plans.list({ instance })).items
  const [destination] = (await client.destinations.list({ instance })).items
  const [job] = (await client.jobs.list({ instance })).items
  const [point] = (await client.restorePoints.list({ instance })).items
  const [registered] = (await client.agents.list()).items
  const ids: Record<string, string | undefined> = {
    agents: registered?.id,
    plans: plan?.id,
    backupPlans: plan?.id,
    destinations: destination?.id,
    fileDestinations: destination?.id,
    jobs: job?.id,
    backupJobs: job?.id,
    restoreJobs: job?.id,
    'restore-points': point?.id,
    restorePoints: point?.id,
    instances: instance,
    serviceInstances: instance,
  }
  for (const [path, methods] of Object.entries<Record<string, unknown>>(document.paths)) {
    if (!('get' in methods) || path.endsWith('/events')) continue
    const id = ids[path.replace('/v1/', '/').split('/')[1] ?? ''] ?? 'unknown'
    const { status } = await call('GET', path.replace('{instanceId}', 'canaries').replace(/\{\w+\}/, id))
    expect([path, [200, 404].includes(status)]).toEqual([path, true])
  }
}

test('no answer, event, log, trace, object or dump of the database contains a secret', {
  timeout: 900_000,
}, async () => {
  const { client } = manager
  const stop = new AbortController()
  const listening = (async () => {
    for await (const event of client.followEvents({}, { signal: stop.signal })) answers.push(JSON.stringify(event))
  })()
  await useEverything(client)
  await makeMistakes()
  await readEverything(client)
  stop.abort(new Error('enough'))
  await expect(listening).rejects.toThrow('enough')

  await expect.poll(() => traces.join('\n')).toContain('"step backup"')
  const { bin } = inject('lab').postgresql
  const dump = execFileSync(join(bin, 'pg_dump'), ['--inserts', database.url], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  const objects = execFileSync('sh', ['-c', 'find "$1" -type f -exec cat {} +', 'sh', store], { encoding: 'latin1' })
  const places = {
    answers: answers.join('\n'),
    'log of the manager': manager.output(),
    'log of the agent': agent.output(),
    traces: traces.join('\n'),
    objects,
    'database dump': dump,
  }
  // That there is something to find at all.
  expect(places.answers).toContain('to nowhere')
  expect(places.answers).toContain('"connected"')
  expect(places['log of the manager']).toContain('incoming request')
  expect(places['log of the agent'].length).toBeGreaterThan(1000)
  expect(places['database dump']).toContain('canaries')
  expect(places['database dump']).toMatch(/'v1\.[A-Za-z0-9+/=]{40,}'/)
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, value]) =>
      spellings(value)
        .filter((spelling) => text.includes(spelling))
        .map(() => `${name} in ${place}`),
    ),
  )
  expect(found).toEqual([])
})
