import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { AUDIENCE, SECRET as ISSUER_SECRET, Issuer } from '../manager/oidc-issuer.ts'
import { type CloudController, startCloudController } from './cloud-controller.ts'
import { Platform, registerDatabase, SERVICE } from './platform.ts'

let fixture: Fixture
let platform: Platform
let issuer: Issuer
let cloudController: CloudController
let settings: Record<string, string>
/** While this file exists backups wait; while the other one does, they fail. */
let held: string
let broken: string
let restored: string
const KEEPS = 'keeps'
const DELETES = 'deletes'
const FORGETS = 'forgets'

beforeAll(async () => {
  fixture = await startFixture(
    {
      backup:
        'test ! -e "$0.broken" || exit 3\nwhile test -e "$0.held"; do sleep 0.1; done\necho "a dump of $BACKUP_DATABASE"',
      restore: 'cat > "$0.restored"',
    },
    { ALARM_INTERVAL_SECONDS: '60' },
  )
  const scripts = join(fixture.folder, 'scripts')
  held = join(scripts, 'backup.held')
  broken = join(scripts, 'backup.broken')
  restored = join(scripts, 'restore.restored')
  const catalog = join(fixture.folder, 'catalog.json')
  issuer = await Issuer.start([
    { id: 'asks-cloud-foundry', scope: 'cloud_controller.global_auditor' },
    { id: 'dashboard', scope: 'openid', redirectPath: '/sign-in', isConfidential: true },
  ])
  cloudController = await startCloudController()
  settings = {
    BROKER_CATALOG: catalog,
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    CF_API_URL: cloudController.url,
    CF_CLIENT_ID: 'asks-cloud-foundry',
    CF_CLIENT_SECRET: ISSUER_SECRET,
    OIDC_DASHBOARD_CLIENT_ID: 'dashboard',
    OIDC_DASHBOARD_CLIENT_SECRET: ISSUER_SECRET,
  }
  const template = {
    schedule: { cron: '0 0 2 29 2 *' },
    retention: { style: 'all' },
    compression: { algorithm: 'none' },
    destination: { store: { kind: 'file', directory: join(fixture.destinations, 'broker-{instanceId}') } },
  }
  const plan = (id: string, deprovision: object) => ({
    ...{ id, name: id, description: 'Backups.', backup: { template, deprovision } },
  })
  const plans = [
    plan(KEEPS, { files: 'keep' }),
    plan(DELETES, { files: 'delete' }),
    plan(FORGETS, { files: 'keep', keepDays: 0 }),
  ]
  const service = { id: SERVICE, name: 'backup', description: 'Backups of service instances.', plans }
  await writeFile(catalog, JSON.stringify({ services: [service] }))
  await fixture.restartManager(settings)
  platform = await Platform.create(fixture, 'lifecycle')
})

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]()
  await cloudController?.[Symbol.asyncDispose]()
  await issuer?.[Symbol.asyncDispose]()
})

/** Protects a new database by a plan. */
async function start(planId: string, parameters: object = {}) {
  const database = await registerDatabase(fixture, fixture.agent)
  const id = randomUUID()
  const wanted = { plan_id: planId, parameters: { service_instance: database, ...parameters } }
  const provisioned = await platform.provision(id, wanted)
  expect(provisioned).toMatchObject({ status: 201 })
  const plan: string = provisioned.body.metadata.attributes.backup_plan
  return { database, id, plan }
}

const deprovision = (id: string, planId: string, more = '&accepts_incomplete=true') =>
  platform.deprovision(id, `service_id=${SERVICE}&plan_id=${planId}${more}`)

const stateOf = async (id: string) => (await platform.lastOperation(id)).body
const waitUntilGone = (id: string) => expect.poll(async () => (await platform.lastOperation(id)).status).toBe(410)

test('a user backs up and restores with the credentials of a binding, and reaches nothing else', async () => {
  const { database, id } = await start(KEEPS)
  const { credentials } = (await platform.bind(id, 'key', { plan_id: KEEPS })).body
  const user = new BackupClient({ url: credentials.api_url, token: credentials.token })
  const { id: jobId } = await user.plans.run(credentials.backup_plan)
  expect(await user.jobs.wait(jobId, { intervalMs: 50 })).toMatchObject({ state: 'succeeded', instanceId: database })
  const [point] = (await user.restorePoints.list({ instance: database })).items
  if (point === undefined) throw new Error('the backup left no restore point')
  const restore = await user.restorePoints.restore(point.id, {})
  expect(await user.jobs.wait(restore.id, { intervalMs: 50 })).toMatchObject({ state: 'succeeded' })
  expect(existsSync(restored)).toBe(true)

  expect((await user.instances.list()).items.map((each) => each.id)).toEqual([database])
  await expect(user.instances.get('i')).rejects.toMatchObject({ status: 404 })
  await expect(user.restorePoints.delete(point.id)).rejects.toMatchObject({ status: 403 })
  const plan = await user.plans.get(credentials.backup_plan)
  expect(plan).toMatchObject({ managedBy: `broker:${id}`, name: 'backup keeps', items: ['shop'] })
  await expect(user.plans.update(plan.id, { retention: { style: 'count', period: 1 } })).rejects.toMatchObject({
    status: 409,
  })

  const viewer = await platform.bind(id, 'reader', { plan_id: KEEPS, parameters: { role: 'viewer' } })
  const reader = new BackupClient({ url: credentials.api_url, token: viewer.body.credentials.token })
  await expect(reader.plans.run(plan.id)).rejects.toMatchObject({ status: 403 })
  expect((await platform.unbind(id, 'key')).status).toBe(200)
  await expect(user.plans.get(plan.id)).rejects.toMatchObject({ status: 401 })
  expect((await reader.plans.get(plan.id)).id).toBe(plan.id)
})

test('an update pauses, resumes and changes the plan that it maintains', async () => {
  const { id, plan } = await start(KEEPS)
  await platform.update(id, { parameters: { paused: true } })
  expect(await fixture.client.plans.get(plan)).toMatchObject({ paused: true })
  await platform.update(id, { parameters: { schedule: { cron: '0 0 5 * * *', timezone: 'Europe/Berlin' } } })
  const schedule = { cron: '0 0 5 * * *', timezone: 'Europe/Berlin' }
  expect(await fixture.client.plans.get(plan)).toMatchObject({ paused: true, schedule })
  await platform.update(id, { parameters: { paused: false, schedule: null } })
  const resumed = await fixture.client.plans.get(plan)
  expect(resumed).toMatchObject({ paused: false, schedule: { cron: '0 0 2 29 2 *' } })
  expect(resumed).toHaveProperty('nextRunAt')
})

describe('deprovisioning', () => {
  test('keeps the files, unless its plan says otherwise', async () => {
    const { database, id, plan } = await start(KEEPS)
    await fixture.runPlan(plan)
    expect((await deprovision(id, KEEPS, '')).status).toBe(200)
    const [point] = await fixture.pointsOf(plan)
    expect(point).toMatchObject({ instanceId: database, planId: plan })
    expect(point).not.toHaveProperty('deletion')
    await expect(fixture.client.plans.get(plan)).rejects.toMatchObject({ status: 404 })
  })

  test('deletes the files where its plan says so', async () => {
    const { id, plan } = await start(DELETES)
    await fixture.runPlan(plan)
    expect((await deprovision(id, DELETES, '')).status).toBe(200)
    await expect.poll(() => fixture.pointsOf(plan)).toEqual([])
  })

  test('deletes kept files when their time is over', async () => {
    const { id, plan } = await start(FORGETS)
    await fixture.runPlan(plan)
    expect((await deprovision(id, FORGETS, '')).status).toBe(200)
    await expect.poll(() => fixture.pointsOf(plan)).toEqual([])
  })

  test('takes a last backup first, which survives the deletion of the others', async () => {
    const { id, plan } = await start(DELETES, { last_backup: true })
    await fixture.runPlan(plan)
    const [first] = await fixture.pointsOf(plan)
    expect((await deprovision(id, DELETES)).status).toBe(202)
    await waitUntilGone(id)
    await expect.poll(async () => (await fixture.pointsOf(plan)).length).toBe(1)
    expect((await fixture.newestPoint(plan)).id).not.toBe(first?.id)
  })

  test('deletes nothing if the last backup fails, and can be repeated', async () => {
    const { id, plan } = await start(DELETES, { last_backup: true })
    await fixture.runPlan(plan)
    await writeFile(broken, '')
    expect((await deprovision(id, DELETES)).status).toBe(202)
    await expect.poll(() => stateOf(id)).toMatchObject({ state: 'failed', instance_usable: true })
    expect((await stateOf(id)).description).toMatch(/^Nothing was deleted, since the last backup \(job \w+\) failed\.$/)
    expect(await fixture.pointsOf(plan)).toHaveLength(1)
    expect((await platform.fetch(id)).status).toBe(200)
    expect((await fixture.client.plans.get(plan)).id).toBe(plan)

    await rm(broken)
    expect((await deprovision(id, DELETES)).status).toBe(202)
    await waitUntilGone(id)
  })

  test('waits for a job that stores files which are to be deleted', async () => {
    const { id, plan } = await start(DELETES)
    await writeFile(held, '')
    const job = await fixture.client.plans.run(plan)
    expect(await deprovision(id, DELETES, '')).toMatchObject({ status: 422, body: { error: 'AsyncRequired' } })
    expect((await deprovision(id, DELETES)).status).toBe(202)
    expect(await stateOf(id)).toMatchObject({ state: 'in progress' })
    await rm(held)
    expect(await fixture.waitForJob(job.id)).toMatchObject({ state: 'succeeded' })
    await waitUntilGone(id)
    await expect.poll(() => fixture.pointsOf(plan)).toEqual([])
  })

  test('is continued by a manager that was started after another was killed, with one last backup', async () => {
    const { id, plan } = await start(KEEPS, { last_backup: true })
    await writeFile(held, '')
    expect((await deprovision(id, KEEPS)).status).toBe(202)
    const jobs = async () => (await fixture.client.jobs.list({ plan })).items
    await vi.waitUntil(async () => (await jobs()).some(({ state }) => state === 'running'), { timeout: 120_000 })
    await fixture.manager.kill()
    await fixture.restartManager(settings)
    expect(await stateOf(id)).toMatchObject({ state: 'in progress' })
    await rm(held)
    await waitUntilGone(id)
    expect((await jobs()).map(({ state }) => state)).toEqual(['succeeded'])
    expect(await fixture.pointsOf(plan)).toHaveLength(1)
  })
})

test('of two platforms neither reaches the instances of the other', async () => {
  const other = await Platform.create(fixture, 'another-platform')
  const database = await registerDatabase(fixture, fixture.agent)
  const { id: own } = await start(KEEPS)
  expect((await platform.bind(own, 'own', { plan_id: KEEPS })).status).toBe(201)
  expect((await other.fetch(own)).status).toBe(404)
  expect((await other.update(own, { parameters: { paused: true } })).status).toBe(404)
  expect((await other.fetchBinding(own, 'own')).status).toBe(404)
  expect((await other.bind(own, 'foreign', { plan_id: KEEPS })).status).toBe(404)
  expect((await other.unbind(own, 'own')).status).toBe(410)
  expect((await other.lastOperation(own)).status).toBe(410)
  expect((await other.deprovision(own)).status).toBe(410)
  expect((await other.provision(own, { plan_id: KEEPS, parameters: { service_instance: database } })).status).toBe(409)
  expect((await platform.fetchBinding(own, 'own')).status).toBe(200)
})

describe('an instance of another space', () => {
  const identityOf = (user: string, name = 'cloudfoundry') => ({
    'x-broker-api-originating-identity': `${name} ${btoa(JSON.stringify({ user_id: user }))}`,
  })
  const inAnotherSpace = (database: string) => ({
    plan_id: KEEPS,
    space_guid: 'space-of-somebody',
    parameters: { service_instance: database },
  })

  test('is protected for those users alone who develop in its space, as Cloud Foundry says', async () => {
    const database = await registerDatabase(fixture, fixture.agent)
    cloudController.spaces.set(database, 'space-1')
    cloudController.developers.add('developer-1 space-1')
    const wanted = inAnotherSpace(database)
    for (const headers of [{}, identityOf('nobody'), identityOf('../roles'), identityOf('developer-1', 'kubernetes')]) {
      const { status, body } = await platform.provision(randomUUID(), wanted, { headers })
      expect([headers, status, body.description]).toEqual([headers, 400, expect.stringContaining('may back up')])
    }
    const unknown = { ...wanted, parameters: { service_instance: randomUUID() } }
    const headers = identityOf('developer-1')
    const refused = await platform.provision(randomUUID(), unknown, { headers })
    const foreign = await platform.provision(randomUUID(), wanted, { headers: identityOf('nobody') })
    expect(refused.status).toBe(400)
    expect(refused.body.description.replace(unknown.parameters.service_instance, database)).toBe(
      foreign.body.description,
    )
    expect((await platform.provision(randomUUID(), wanted, { headers })).status).toBe(201)
  })

  test('is not protected while Cloud Foundry cannot be asked: 503', async () => {
    const database = await registerDatabase(fixture, fixture.agent)
    cloudController.spaces.set(database, 'space-1')
    cloudController.status = 502
    const [id, headers] = [randomUUID(), identityOf('developer-1')]
    expect((await platform.provision(id, inAnotherSpace(database), { headers })).status).toBe(503)
    cloudController.status = 200
    expect((await platform.fetch(id)).status).toBe(404)
    expect((await platform.provision(id, inAnotherSpace(database), { headers })).status).toBe(201)
  })
})

test('the dashboard signs in with a client whose secret the manager keeps, and that serves nothing else', async () => {
  const { body } = await fixture.call('GET', '/v1/sign-in/identity-provider')
  expect(body).toMatchObject({ issuer: issuer.url, tokenEndpoint: `${fixture.manager.url}/v1/sign-in/token` })
  const exchange = (form: Record<string, string>) =>
    fetch(body.tokenEndpoint, { method: 'POST', body: new URLSearchParams({ client_id: 'dashboard', ...form }) })
  const code = { code: 'none', redirect_uri: 'http://127.0.0.1/sign-in', code_verifier: 'v'.repeat(43) }
  const refused = await exchange({ grant_type: 'authorization_code', ...code })
  // The provider knows the client, and not the code.
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  for (const form of [
    { grant_type: 'client_credentials' },
    { grant_type: 'password', username: 'u', password: 'p' },
    {},
  ]) {
    const answer = await exchange(form)
    expect([form, answer.status, await answer.json()]).toMatchObject([form, 400, { code: 'invalid-request' }])
  }
})
