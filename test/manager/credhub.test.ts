import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FaultProxy } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, createCertificatesIn } from '../fixtures/certificates.ts'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { CLIENT, StandInCredHub } from '../fixtures/stand-in-credhub.ts'

const NAME = '/bosh-1/sb-i/backup_credentials'
const SECRETS = ['p4ssw0rd of credhub', 'secret-of-a-page', 'secret-of-an-error', CLIENT.secret, 'token-1']

let stack: AsyncDisposableStack
let certificates: Certificates
let credHub: StandInCredHub
let fixture: Fixture
let planId: string

const trust = () => ({
  CREDHUB_URL: credHub.url,
  CREDHUB_NAME: '/bosh-1/sb-{instanceId}/backup_credentials',
  CREDHUB_CA_FILE: certificates.file('ca.pem'),
})
const certificate = () => ({
  CREDHUB_CERTIFICATE_FILE: certificates.file('client.pem'),
  CREDHUB_KEY_FILE: certificates.file('client.key'),
})
const uaa = () => ({
  CREDHUB_UAA_URL: credHub.url,
  CREDHUB_CLIENT_ID: CLIENT.id,
  CREDHUB_CLIENT_SECRET: CLIENT.secret,
})

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  // What the script is given ends in the file "told", which no agent masks.
  const backup = 'echo "$BACKUP_USERNAME:$BACKUP_PASSWORD" > "$(dirname "$0")/../told"; echo dump'
  fixture = stack.use(await startFixture({ backup }))
  certificates = await createCertificatesIn(fixture.folder, 'server', 'client')
  credHub = stack.use(await StandInCredHub.start(certificates))
  planId = (await fixture.createPlan()).id
  await fixture.restartManager({ ...trust(), ...certificate() })
})
afterAll(() => stack.disposeAsync())

const told = async () => (await readFile(join(fixture.folder, 'told'), 'utf8').catch(() => '')).trim()

/** Runs the plan, and answers how its only part ended. */
async function runPart() {
  const job = await fixture.runPlan(planId)
  const { state, failureCode, error } = job.parts[0] ?? {}
  for (const secret of SECRETS) {
    expect(JSON.stringify(job)).not.toContain(secret)
    expect(fixture.manager.output()).not.toContain(secret)
  }
  return { state, failureCode, error }
}

const user = { type: 'user', value: { username: 'dba', password: 'p4ssw0rd of credhub', password_hash: '$6$' } }
const unavailable = { state: 'failed', failureCode: 'credhub-unavailable' }
const rejected = { state: 'failed', failureCode: 'credhub-rejected' }

describe('with a certificate', () => {
  test('a part is given what CredHub has now, of each type of credential, and nothing is stored', async () => {
    const value = 'p4ssw0rd of credhub'
    for (const [credential, account] of [
      [user, 'dba'],
      [{ type: 'json', value: { username: 'of-json', password: value, port: 5432 } }, 'of-json'],
      [{ type: 'password', value }, 'user-of-i'],
    ] as const) {
      credHub.credentials.set(NAME, credential)
      expect(await runPart()).toMatchObject({ state: 'succeeded' })
      expect(await told()).toBe(`${account}:${value}`)
    }
    credHub.credentials.set(NAME, user)
    expect(await fixture.client.instances.get('i')).toMatchObject({ database: { passwordSet: false } })
  })

  test('a credential that is missing or unusable fails the part for good, with its name and no value', async () => {
    credHub.credentials.delete(NAME)
    expect(await runPart()).toMatchObject({
      ...rejected,
      error: expect.stringContaining(`has no credential "${NAME}"`),
    })
    for (const credential of [
      { type: 'certificate', value: { ca: 'p4ssw0rd of credhub' } },
      { type: 'user', value: { username: 'p4ssw0rd of credhub' } },
      { type: 'password', value: `p4ssw0rd of credhub\0` },
    ]) {
      credHub.credentials.set(NAME, credential)
      expect(await runPart()).toMatchObject({
        ...rejected,
        error: expect.stringContaining('no credential of the type'),
      })
    }
    credHub.credentials.set(NAME, user)
  })

  test('a CredHub that fails, hangs, or answers without end fails the part within its deadline', async () => {
    for (const [misbehaviour, expected, message] of [
      ['reset', unavailable, 'cannot be reached'],
      ['hang', unavailable, 'no answer within 10 seconds'],
      ['huge', rejected, 'larger than'],
      ['not-json', rejected, 'no credential of the type'],
      [{ status: 503 }, unavailable, 'it answered 503'],
      [{ status: 429 }, unavailable, 'it answered 429'],
      [{ status: 403 }, rejected, 'it answered 403'],
      [{ status: 302 }, rejected, 'answered 302'],
    ] as const) {
      credHub.misbehaviour = misbehaviour
      expect([misbehaviour, await runPart()]).toMatchObject([
        misbehaviour,
        { ...expected, error: expect.stringContaining(message) },
      ])
    }
    credHub.misbehaviour = undefined
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
  })

  test('an instance with a password of its own keeps it', async () => {
    const asked = credHub.asked.length
    await fixture.client.instances.update('i', { database: { password: 'password of the instance' } })
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
    expect(await told()).toBe('user-of-i:password of the instance')
    expect(credHub.asked).toHaveLength(asked)
    await fixture.client.instances.update('i', { database: { password: null } })
  })
})

test('a part that its agent may know is followed, though its credentials cannot be read again', async () => {
  const { hostname, port } = new URL(fixture.agent.url)
  await using proxy = await FaultProxy.start({ host: hostname, port: Number(port) })
  const { password } = fixture.agent
  await fixture.client.agents.update(fixture.agentId, { url: `http://127.0.0.1:${proxy.port}`, password })
  const asked = credHub.asked.length
  const endFault = proxy.inject({ kind: 'lose-responses' })
  await rm(join(fixture.folder, 'told'))
  const { id } = await fixture.client.plans.run(planId)
  await expect.poll(told, { timeout: 120_000 }).toContain('dba')
  expect(credHub.asked).toHaveLength(asked + 1)
  credHub.misbehaviour = { status: 503 }
  await fixture.restartManager({ ...trust(), ...certificate() })
  const log = () => fixture.manager.output()
  await expect.poll(log, { timeout: 120_000 }).toContain('a part cannot be requested again')
  endFault()
  expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  credHub.misbehaviour = undefined
  await fixture.client.agents.update(fixture.agentId, { url: fixture.agent.url, password })
})

describe('with a client of its UAA', () => {
  beforeAll(() => fixture.restartManager({ ...trust(), ...uaa() }))

  test('the manager obtains a token, uses it until it expires, and a new one where it was revoked', async () => {
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
    expect(credHub.tokensIssued).toBe(1)
    credHub.tokens.clear()
    // It expires within the time that tokens are renewed before they do.
    credHub.tokenLifetimeSeconds = 20
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
    expect(credHub.tokensIssued).toBe(2)
    expect(await runPart()).toMatchObject({ state: 'succeeded' })
    expect(credHub.tokensIssued).toBe(3)
    expect(await told()).toBe('dba:p4ssw0rd of credhub')
  })

  test('a UAA that fails, or refuses the client, is named', async () => {
    for (const [misbehaviour, expected, message] of [
      [{ status: 503 }, unavailable, 'The UAA at'],
      [{ status: 401 }, rejected, 'does not accept CREDHUB_CLIENT_ID'],
      ['not-json', rejected, 'without a token'],
    ] as const) {
      credHub.uaaMisbehaviour = misbehaviour
      expect(await runPart()).toMatchObject({ ...expected, error: expect.stringContaining(message) })
    }
    credHub.uaaMisbehaviour = undefined
  })

  test('a server that the CA has not signed is not spoken to', async () => {
    const { CREDHUB_CA_FILE: _, ...untrusting } = trust()
    await fixture.restartManager({ ...untrusting, ...uaa() })
    const issued = credHub.tokensIssued
    expect(await runPart()).toMatchObject({ ...unavailable, error: expect.stringContaining('CERT') })
    expect(credHub.tokensIssued).toBe(issued)
  })
})
