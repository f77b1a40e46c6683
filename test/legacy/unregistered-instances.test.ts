import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TokenCreate } from '@osb-backup/protocol/v1'
import { startManagerProgram } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture()
})
afterAll(() => fixture[Symbol.asyncDispose]())

type Access = Partial<Pick<TokenCreate, 'role' | 'instances' | 'name'>>

/** Calls of a client of the former manager, with a token of its own. */
async function callerWith(access: Access) {
  const { token } = await fixture.client.tokens.create({ name: 'test', role: 'admin', instances: 'all', ...access })
  const authorization = { authorization: `Bearer ${token}` }
  return (method: string, path: string, body?: unknown) => fixture.call(method, path, body, authorization)
}

/** An instance as the dashboard sends it, which has read it from the former manager. */
const sent = (id: string, host: object = {}) => ({
  service_instance_id: id,
  idAsString: id,
  internal_id: null,
  service_id: 'sd-1',
  organization_guid: 'org-1',
  parameters: { encoding: 'UTF8' },
  hosts: [{ name: 'db0', ip: '127.0.0.1', port: 5433, backup: true, ...host }],
})

async function destination(id: string, host: object = {}) {
  const directory = join(fixture.destinations, id)
  await mkdir(directory, { recursive: true })
  return { type: 'FILE', name: 'files', directory, serviceInstance: sent(id, host) }
}

const isRegistered = async (id: string) => (await fixture.call('GET', `/serviceInstances/${id}`)).status === 200

test('an instance that is not registered is refused unless the operator allows otherwise', async () => {
  const { status, text } = await fixture.call('POST', '/fileDestinations', await destination('unknown'))
  expect([status, text]).toEqual([400, expect.stringContaining('There is no service instance \\"unknown\\"')])
  expect(await isRegistered('unknown')).toBe(false)
  const program = startManagerProgram({ LEGACY_REGISTRATION_NETWORKS: '127.0.0.0/8' }, [])
  expect(await program.ended()).toBe(1)
  expect(program.output()).toContain('LEGACY_AGENT_PASSWORD must be set with LEGACY_REGISTRATION_NETWORKS.')
})

describe('with LEGACY_REGISTRATION_NETWORKS', () => {
  beforeAll(async () => {
    const { url, username, password } = fixture.agent
    await fixture.restartManager({
      LEGACY_REGISTRATION_NETWORKS: '127.0.0.0/8, 10.0.0.0/16, 169.254.0.0/16, fe80::/10',
      LEGACY_AGENT_URL: `http://{backupHostIp}:${new URL(url).port}`,
      LEGACY_AGENT_USERNAME: username,
      LEGACY_AGENT_PASSWORD: password,
    })
  })

  test('an old client registers an instance by sending it, once, and backs it up', async () => {
    const body = await destination('old-1')
    const tried = { ...body, name: 'tried' }
    const answers = await Promise.all([
      fixture.call('POST', '/fileDestinations/validate', tried),
      fixture.call('POST', '/fileDestinations/validate', tried),
      fixture.call('POST', '/fileDestinations', body),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 201])
    const entries = (await fixture.client.auditEntries.list({ instance: 'old-1' })).items
    const actions = entries.map(({ action }) => action).toSorted()
    expect(actions.filter((action) => action === 'PUT /serviceInstances/:id')).toHaveLength(1)
    expect(actions.filter((action) => action.startsWith('POST /fileDestinations'))).toHaveLength(3)
    const plan = {
      ...{ name: 'nightly', frequency: '0 0 2 29 2 *', retentionStyle: 'ALL', items: ['db1'] },
      ...{ serviceInstance: sent('old-1'), fileDestination: { id: answers[2]?.body.id } },
    }
    const created = await fixture.call('POST', '/backupPlans', plan)
    expect(created).toMatchObject({ status: 201, body: { serviceInstance: { service_id: 'sd-1' } } })
    const started = await fixture.call('POST', '/backup', { backupPlan: created.body })
    expect(await fixture.waitForJob(started.body.backupJob.id)).toMatchObject({ state: 'succeeded' })
    expect((await fixture.client.agents.list()).items).toHaveLength(1)
  })

  test('one that would share the database server of another is refused, and the other is backed up as before', async () => {
    const { status, text } = await fixture.call('POST', '/fileDestinations', await destination('old-2'))
    expect([status, text]).toEqual([403, expect.stringContaining('shares its database server')])
    expect(await isRegistered('old-2')).toBe(false)
    const [plan] = (await fixture.client.plans.list({ instance: 'old-1' })).items
    expect((await fixture.runPlan(plan?.id ?? '')).state).toBe('succeeded')
  })

  test('one whose hosts are elsewhere, or never may be connected to, is refused', async () => {
    for (const ip of [
      '10.1.0.1',
      '169.254.169.254',
      'fe80::1',
      'db.example',
      '::ffff:127.0.0.1',
      '127.1',
      '1@10.0.0.1',
    ]) {
      const answer = await fixture.call('POST', '/fileDestinations', await destination('old-3', { ip }))
      expect([ip, answer.status, answer.text]).toEqual([ip, 400, expect.stringContaining('not a plain IP address')])
    }
    const two = {
      ...(await destination('old-3')),
      serviceInstance: { ...sent('old-3'), hosts: [{ ip: '10.0.0.8' }, { ip: '10.0.0.9' }] },
    }
    expect((await fixture.call('POST', '/fileDestinations', two)).text).toContain('Mark exactly one host')
    for (const hosts of [undefined, null, [], 'none', [{ ip: 7 }]]) {
      const body = { ...(await destination('old-3')), serviceInstance: { service_instance_id: 'old-3', hosts } }
      expect((await fixture.call('POST', '/fileDestinations', body)).text).toContain('There is no service instance')
    }
    expect(await isRegistered('old-3')).toBe(false)
  })

  test('only who may register an instance registers it so, and at no host of others', async () => {
    for (const access of [
      { role: 'operator' },
      { role: 'operator', instances: ['old-4'] },
      { instances: ['i'] },
    ] as Access[]) {
      const call = await callerWith(access)
      const { status, text } = await call('POST', '/fileDestinations', await destination('old-4', { ip: '10.0.0.4' }))
      expect([access, status, text]).toEqual([access, 400, expect.stringContaining('There is no service instance')])
    }
    const call = await callerWith({ instances: ['old-4'] })
    const theirs = await call('POST', '/fileDestinations', await destination('old-4', { ip: '10.0.0.5', port: 1 }))
    expect(theirs).toMatchObject({ status: 400, text: expect.stringContaining('you were not granted') })
    expect(await isRegistered('old-4')).toBe(false)
    expect((await call('POST', '/fileDestinations', await destination('old-4', { ip: '10.0.0.4' }))).status).toBe(201)
  })

  test('one that was deregistered, or is registered, is left as it is', async () => {
    expect((await fixture.call('DELETE', '/fileDestinations/byInstance/old-4')).status).toBe(204)
    expect((await fixture.call('DELETE', '/serviceInstances/old-4')).status).toBe(204)
    const { text } = await fixture.call('POST', '/fileDestinations', await destination('old-4', { ip: '10.0.0.4' }))
    expect(text).toContain('There is no service instance')
    const [{ id } = { id: '' }] = (await fixture.client.jobs.list({ instance: 'old-1' })).items
    const restore = { backupJob: { id }, items: [{ item: 'db1' }], serviceInstance: sent('i', { ip: '10.0.0.77' }) }
    await fixture.call('POST', '/restore', restore)
    expect((await fixture.call('GET', '/serviceInstances/i')).body.hosts).toMatchObject([{ ip: '10.0.0.5' }])
  })
})

test('a broker registers, changes and deregisters its own instances over the old paths, and no others', async () => {
  const broker = await callerWith({ role: 'broker', name: 'postgresql', instances: [] })
  const other = await callerWith({ role: 'broker', name: 'mongodb', instances: [] })
  const { url, username, password } = fixture.agent
  const body = { ...sent('own', { ip: '10.0.7.7' }), idAsString: undefined, agent: { url, username, password } }
  expect((await broker('PUT', '/serviceInstances/own', body)).status).toBe(201)
  const changed = { ...body, parameters: { encoding: 'LATIN1' } }
  expect((await broker('PUT', '/serviceInstances/own', changed)).status).toBe(200)
  const listed = (await broker('GET', '/serviceInstances')).body.content
  expect(listed).toMatchObject([{ service_instance_id: 'own', parameters: { encoding: 'LATIN1' } }])
  for (const [call, id] of [
    [other, 'own'],
    [broker, 'i'],
  ] as const) {
    expect((await call('PUT', `/serviceInstances/${id}`, { ...body, service_instance_id: id })).status).toBe(404)
    expect((await call('GET', `/serviceInstances/${id}`)).status).toBe(404)
    expect((await call('DELETE', `/backupPlans/byInstance/${id}`)).status).toBe(404)
    expect((await call('DELETE', `/serviceInstances/${id}`)).status).toBe(404)
  }
  // It provisions; what is backed up is for operators.
  expect((await broker('POST', '/fileDestinations', await destination('own'))).status).toBe(403)
  expect((await fixture.call('POST', '/fileDestinations', await destination('own'))).status).toBe(201)
  // Brokers of the former manager deprovision with HTTP Basic; these accounts register nothing.
  const account = { password: 'a password of a broker', serviceInstances: ['own'] }
  expect((await fixture.call('PUT', '/brokerAccounts/postgresql', account)).status).toBe(201)
  const basic = { authorization: `Basic ${btoa(`postgresql:${account.password}`)}` }
  expect((await fixture.call('PUT', '/serviceInstances/own', body, basic)).status).toBe(403)
  for (const what of ['backupJobs', 'backupPlans', 'fileDestinations']) {
    expect([what, (await fixture.call('DELETE', `/${what}/byInstance/own`, undefined, basic)).status]).toEqual([
      what,
      204,
    ])
    expect([what, (await broker('DELETE', `/${what}/byInstance/own`)).status]).toEqual([what, 204])
  }
  expect((await broker('DELETE', '/serviceInstances/own')).status).toBe(204)
  expect((await broker('GET', '/serviceInstances')).body.content).toEqual([])
  expect((await broker('PUT', '/serviceInstances/own', body)).status).toBe(201)
})
