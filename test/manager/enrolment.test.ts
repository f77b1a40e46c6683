import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type AgentProcess, freePort, startAgentProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRequest, generateKey } from '../../packages/agent/src/enrolment/certificate-request.ts'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const POLL = { timeout: 120_000, interval: 200 }
let stack: AsyncDisposableStack
let database: OwnDatabase
let fixture: Fixture
let processes: AgentProcess[] = []

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const port = String(await freePort())
  const settings = { DATABASE_URL: database.url, SECRET_KEY: 'ab'.repeat(32), PORT: port }
  const short = { AGENT_CERTIFICATE_DAYS: '30', ALARM_INTERVAL_SECONDS: '1' }
  fixture = stack.use(await startFixture({}, { ...settings, ...short }))
})
afterAll(async () => {
  for (const agent of processes.splice(0)) await agent.stop()
  await stack.disposeAsync()
})

const stateOf = (name: string) => join(fixture.folder, `state-${name}`)

/** Starts an agent of its own state and a fixed port, as an operator does who restarts it. */
async function startAgent(name: string, port: number, settings: Record<string, string>): Promise<AgentProcess> {
  const agent = await startAgentProcess({
    client_port: String(port),
    directory_backup: join(fixture.folder, `backup-${name}`),
    directory_restore: join(fixture.folder, `restore-${name}`),
    state_directory: stateOf(name),
    scripts_path: join(fixture.folder, 'scripts'),
    file_destination_root: fixture.destinations,
    enrolment_url: fixture.manager.url,
    ...settings,
  })
  processes.push(agent)
  return agent
}

async function stopAgent(agent: AgentProcess): Promise<void> {
  processes = processes.filter((other) => other !== agent)
  await agent.stop()
}

/** Creates a token, and returns the settings to start the agent with. */
async function createEnrolment(id: string) {
  const { token, caFingerprint } = await fixture.client.agents.enrol(id)
  return { enrolment_token: token, enrolment_fingerprint: caFingerprint }
}

/** Registers a second agent. */
async function register(name: string): Promise<{ id: string; port: number }> {
  const port = await freePort()
  const { username, password } = fixture.agent
  const { id } = await fixture.client.agents.create({ name, url: `https://127.0.0.1:${port}`, username, password })
  return { id, port }
}

const check = (id: string) => fixture.client.agents.check(id)
const request = async (token: string, key?: string) =>
  fixture.call('POST', '/v1/agent-certificates', {
    token,
    certificateRequest: await createRequest(key ?? (await generateKey())),
  })

/** What an agent presents to a caller, and whether it serves callers without a certificate of the manager. */
function presented(
  port: number,
  own: { cert?: string; key?: string } = {},
): Promise<{ serial: string; names: string; isServed: boolean }> {
  return new Promise((resolve, reject) => {
    let seen: { serial: string; names: string } | undefined
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own }, () => {
      const { serialNumber: serial, subjectaltname: names = '' } = socket.getPeerCertificate()
      seen = { serial, names }
      socket.write('GET /status HTTP/1.1\r\nHost: a\r\n\r\n')
    })
    const end = (error?: unknown) => (seen === undefined ? reject(error) : resolve({ ...seen, isServed: false }))
    socket.once('data', () => seen && resolve({ ...seen, isServed: true }))
    socket.on('error', end).once('close', end)
  })
}

test('an agent enrols, serves the manager alone, renews its certificate, and survives restarts of both', async () => {
  const { agentId, agent: plain } = fixture
  await expect(fixture.client.agents.enrol(agentId)).rejects.toMatchObject({ status: 409, field: 'url' })
  const port = await freePort()
  const { password } = plain
  await fixture.client.agents.update(agentId, { url: `https://127.0.0.1:${port}`, password })
  const enrolment = await createEnrolment(agentId)
  await expect(
    startAgent('one', port, { ...enrolment, enrolment_fingerprint: `AB${':CD'.repeat(31)}` }),
  ).rejects.toThrow(/was not enrolled: the certificate in the answer is not that of the CA/)
  // The manager answered, and the answer counted for nothing: the same request may be repeated.
  let agent = await startAgent('one', port, enrolment)
  expect(agent.url).toMatch(/^https:/)
  expect((await stat(join(stateOf('one'), 'enrolment.json'))).mode & 0o777).toBe(0o600)
  const first = await presented(port)
  expect(first).toMatchObject({ names: 'IP Address:127.0.0.1', isServed: false })
  const checked = await check(agentId)
  expect(checked).toMatchObject({ state: 'reachable', certificateExpiresAt: expect.any(String) })
  const plan = await fixture.createPlan()
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  const [entry] = (await fixture.client.auditEntries.list()).items.filter(({ caller }) => caller.kind === 'agent')
  expect(entry).toMatchObject({ caller: { id: agentId }, action: 'POST /v1/agent-certificates', status: 201 })

  expect(await request(enrolment.enrolment_token)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })

  // Neither needs the token any more. Renewed at once, without another restart.
  await stopAgent(agent)
  await fixture.restartManager()
  const { enrolment_fingerprint } = enrolment
  const old = await readFile(join(stateOf('one'), 'enrolment.json'), 'utf8')
  agent = await startAgent('one', port, { enrolment_fingerprint, enrolment_renewal_percent: '0' })
  await expect.poll(async () => (await presented(port)).serial, POLL).not.toBe(first.serial)
  expect(await check(agentId)).toMatchObject({ state: 'reachable' })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  const pinned = async () => {
    const [row] = await database.query<{ next: string | null }>(
      'select next_certificate as next from agents where id = $1',
      [agentId],
    )
    return row?.next
  }
  // The manager saw the renewed certificate: the one before is void from then on, for calls and for renewals.
  await expect.poll(pinned, POLL).toBeNull()
  await stopAgent(agent)
  await writeFile(join(stateOf('one'), 'enrolment.json'), old)
  agent = await startAgent('one', port, { enrolment_fingerprint, enrolment_renewal_percent: '0' })
  expect(await check(agentId)).toMatchObject({ state: 'unreachable', error: expect.stringMatching(/certificate/) })
  await expect.poll(() => agent.output(), POLL).toMatch(/was not renewed.*401|401.*was not renewed/)

  // A new enrolment replaces what the agent had.
  await stopAgent(agent)
  agent = await startAgent('one', port, await createEnrolment(agentId))
  expect(await check(agentId)).toMatchObject({ state: 'reachable' })
  await fixture.client.agents.update(agentId, { url: `http://127.0.0.1:${port}`, password })
  expect(await check(agentId)).toMatchObject({ state: 'unreachable', error: expect.stringMatching(/https:/) })
  await fixture.client.agents.update(agentId, { url: `https://127.0.0.1:${port}`, password })

  // A renewal that keeps failing raises an alarm before it is too late.
  const isOpen = async () =>
    (await fixture.client.alarms.list({ kind: 'certificate-expiring', state: 'open' })).items.map(
      ({ object }) => object.id,
    )
  expect(await isOpen()).toEqual([])
  await database.query("update agents set certificate_expires_at = now() + interval '7 days' where id = $1", [agentId])
  await expect.poll(isOpen, POLL).toEqual([`agent ${agentId}`])
})

test('the certificate of an agent is accepted for no other agent, and not after the agent was deleted', async () => {
  const [own, other] = [await register('own'), await register('other')]
  await startAgent('own', own.port, await createEnrolment(own.id))
  const otherEnrolment = await createEnrolment(other.id)
  const otherAgent = await startAgent('other', other.port, otherEnrolment)
  expect(await check(own.id)).toMatchObject({ state: 'reachable' })
  expect(await check(other.id)).toMatchObject({ state: 'reachable' })
  // An agent that was taken over calls another,
  const { current } = JSON.parse(await readFile(join(stateOf('own'), 'enrolment.json'), 'utf8'))
  const asCaller = { cert: current.certificate, key: current.key }
  expect(await presented(other.port, asCaller)).toMatchObject({ isServed: false })
  // and answers in its place.
  await stopAgent(otherAgent)
  await stopAgent(processes.find(({ url }) => url.endsWith(`:${own.port}`)) as AgentProcess)
  await rm(stateOf('own'), { recursive: true })
  await cp(stateOf('other'), stateOf('own'), { recursive: true })
  const { enrolment_fingerprint } = otherEnrolment
  const impostor = await startAgent('own', own.port, { enrolment_fingerprint })
  const error = expect.stringMatching(/another certificate than the one that this agent was enrolled with/)
  expect(await check(own.id)).toMatchObject({ state: 'unreachable', error })
  await stopAgent(impostor)
  await fixture.client.agents.delete(other.id)
  const late = await startAgent('other', other.port, { enrolment_fingerprint, enrolment_renewal_percent: '0' })
  await expect.poll(() => late.output(), POLL).toMatch(/was not renewed/)
})

test('a token works once, also for concurrent requests, and not after it has expired or was replaced', async () => {
  const { id, port } = await register('raced')
  const replaced = await createEnrolment(id)
  const { enrolment_token: token } = await createEnrolment(id)
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(token)))
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(1)
  expect(new Set(statuses.filter((status) => status !== 201))).toSatisfy((others: Set<number>) =>
    [...others].every((status) => status === 401 || status === 409),
  )
  expect(await request(replaced.enrolment_token)).toMatchObject({ status: 401 })

  const expired = await createEnrolment(id)
  await database.query('update agents set enrolment_expires_at = now() where id = $1', [id])
  await expect(startAgent('late', port, expired)).rejects.toThrow(
    /was not enrolled: the manager answered 401.*agent enrol/,
  )
  const { enrolment_token: unused } = await createEnrolment(id)
  const broken = await fixture.call('POST', '/v1/agent-certificates', { token: unused, certificateRequest: 'x' })
  expect(broken).toMatchObject({ status: 400, body: { field: 'certificateRequest' } })

  const key = await generateKey()
  const [once, again] = [await request(unused, key), await request(unused, key)]
  expect([once.status, again.status]).toEqual([201, 201])
  expect(again.body.certificate).toBe(once.body.certificate)
})
