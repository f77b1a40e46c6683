import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, startManagerProgram } from '@osb-backup/testkit'
import { type CryptoKey, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentityProvider } from '../../packages/manager/src/access/oidc/identity-provider.ts'
import { readOidcSettings } from '../../packages/manager/src/settings/oidc-settings.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { startCloudFoundryApi } from './cloud-foundry-api.ts'
import { AUDIENCE, Issuer } from './oidc-issuer.ts'

const VIEWER = 'osb-backup.viewer'
const OPERATOR = 'osb-backup.operator'
const ADMIN = 'osb-backup.admin'

let stack: AsyncDisposableStack
let issuer: Issuer
let cloudFoundry: Awaited<ReturnType<typeof startCloudFoundryApi>>
let manager: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  issuer = stack.use(
    await Issuer.start([
      { id: 'ada', scope: OPERATOR, claims: { instances: ['claimed'], user_name: 'Ada' } },
      { id: 'viewer', scope: `${VIEWER} other`, claims: { instances: ['claimed'] } },
      { id: 'all', scope: OPERATOR, claims: { instances: '*' } },
      { id: 'admin', scope: ADMIN },
      { id: 'nobody', scope: 'other' },
      { id: 'elsewhere', scope: ADMIN, audience: 'another-service' },
      { id: 'developer', scope: OPERATOR },
    ]),
  )
  cloudFoundry = stack.use(
    await startCloudFoundryApi({
      v3: { managed: { read: true, manage: true }, seen: { read: true, manage: false }, down: { status: 502 } },
      v2: { old: { manage: true, read: true } },
    }),
  )
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({
    DATA_DIR: folder.path,
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    OIDC_INSTANCES_CLAIM: 'instances',
    OIDC_CLOCK_TOLERANCE_SECONDS: '5',
    CF_API_URL: cloudFoundry.url,
  })
  stack.defer(() => manager.stop())
  for (const id of ['claimed', 'managed', 'seen', 'old', 'foreign', 'down'])
    await registerInstance(manager.client, id, unreachableAgent)
})

afterAll(() => stack.disposeAsync())

async function call(method: string, path: string, token: string, body?: unknown) {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
}

/** The least that every caller may do: 401 says that the token is none here. */
const knock = async (token: string) => (await call('GET', '/serviceInstances', token)).status

const s3 = (instanceId: string) => ({
  type: 'S3',
  name: 's3',
  endpoint: 'http://127.0.0.1:9',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's',
  serviceInstance: { service_instance_id: instanceId },
})

describe('a token of the identity provider', () => {
  test('grants what its scope and its claim say, and nothing else', async () => {
    const [ada, viewer, all, admin] = await Promise.all(['ada', 'viewer', 'all', 'admin'].map((id) => issuer.token(id)))
    if (!ada || !viewer || !all || !admin) throw new Error('the issuer gave no tokens')
    expect((await call('GET', '/serviceInstances/claimed', viewer)).status).toBe(200)
    expect((await call('POST', '/fileDestinations', viewer, s3('claimed'))).status).toBe(403)
    expect((await call('POST', '/fileDestinations', ada, s3('claimed'))).status).toBe(201)
    expect((await call('GET', '/serviceInstances/foreign', ada)).status).toBe(404)
    expect((await call('GET', '/serviceInstances/foreign', all)).status).toBe(200)
    expect((await call('GET', '/tokens', all)).status).toBe(403)
    expect((await call('GET', '/tokens', admin)).status).toBe(200)
    const seen = JSON.parse((await call('GET', '/serviceInstances', ada)).text).content
    expect(seen.map((each: { service_instance_id: string }) => each.service_instance_id)).toEqual(['claimed'])
    await expect
      .poll(async () => (await manager.client.auditEntries.list({ instance: 'claimed', q: 'ada' })).items[0]?.caller)
      .toEqual({ kind: 'user', id: 'ada', name: 'Ada' })
  })

  test('is refused without a role, or for another audience', async () => {
    expect(await knock(await issuer.token('nobody'))).toBe(401)
    expect(await knock(await issuer.token('elsewhere'))).toBe(401)
  })

  test('is refused when it has expired, is not yet valid, or has another issuer; a clock may be off by the tolerance', async () => {
    const now = Math.floor(Date.now() / 1000)
    const statusOf = async (claims: Record<string, unknown>) => knock(await issuer.sign({ scope: ADMIN, ...claims }))
    expect(await statusOf({})).toBe(200)
    expect(await statusOf({ exp: now - 2 })).toBe(200)
    expect(await statusOf({ exp: now - 20 })).toBe(401)
    expect(await statusOf({ nbf: now + 2 })).toBe(200)
    expect(await statusOf({ nbf: now + 20 })).toBe(401)
    expect(await statusOf({ iss: `${issuer.url}/other` })).toBe(401)
    expect(await statusOf({ aud: ['another', AUDIENCE] })).toBe(200)
    expect(await statusOf({ aud: 'another' })).toBe(401)
    expect(await statusOf({ exp: undefined })).toBe(401)
    expect(await statusOf({ sub: undefined })).toBe(401)
    expect(await statusOf({ typ: 'Refresh' })).toBe(401)
    expect(await statusOf({ jti: 'abc-r' })).toBe(401)
    expect(await knock(await issuer.sign({ scope: ADMIN }, { typ: 'logout+jwt' }))).toBe(401)
  })

  test('that was forged is refused: none, HS256 with the public key, another key, changed claims', async () => {
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'eve', scope: ADMIN, exp: Math.floor(Date.now() / 1000) + 60 }
    const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const publicKey = (await importJWK(issuer.publicKey(), 'RS256', { extractable: true })) as CryptoKey
    const symmetric = new TextEncoder().encode(await exportSPKI(publicKey))
    const { privateKey } = await generateKeyPair('RS256')
    const [header, , signature] = (await issuer.token('viewer')).split('.')
    const forged = [
      `${encoded({ alg: 'none' })}.${encoded(claims)}.`,
      `${encoded({ alg: 'none', kid: 'first' })}.${encoded(claims)}.${signature}`,
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(symmetric),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'first' }).sign(privateKey),
      `${header}.${encoded(claims)}.${signature}`,
      `${header}.${encoded(claims)}.`,
    ]
    for (const token of forged) expect([token, await knock(token)]).toEqual([token, 401])
  })
})

describe('Cloud Foundry', () => {
  test('is asked with the token of the user about instances that the token does not grant', async () => {
    const token = await issuer.token('developer')
    cloudFoundry.calls.length = 0
    expect((await call('GET', '/serviceInstances/managed', token)).status).toBe(200)
    expect((await call('POST', '/fileDestinations', token, s3('managed'))).status).toBe(201)
    expect(cloudFoundry.calls).toEqual([
      { path: '/v3/service_instances/managed/permissions', authorization: `Bearer ${token}` },
    ])
    expect((await call('GET', '/serviceInstances/seen', token)).status).toBe(200)
    expect((await call('POST', '/fileDestinations', token, s3('seen'))).status).toBe(400)
    expect((await call('GET', '/serviceInstances/foreign', token)).status).toBe(404)
    expect((await call('GET', '/serviceInstances/old', token)).status).toBe(200)
    expect(cloudFoundry.calls.at(-1)?.path).toBe('/v2/service_instances/old/permissions')
  })

  test('that does not answer grants nothing, and says when to retry', async () => {
    const { status, retryAfter, text } = await call('GET', '/serviceInstances/down', await issuer.token('developer'))
    expect({ status, retryAfter }).toEqual({ status: 503, retryAfter: '5' })
    expect(JSON.parse(text)).toMatchObject({ title: 'Service Unavailable', status: 503 })
    expect(text).toContain('does not say what this user may do')
  })
})

describe('the keys of the identity provider', () => {
  /** As the manager has it, with less patience. */
  function identificationAt(url: string, keyCooldownMs: number) {
    const settings = readOidcSettings({ OIDC_ISSUER: url, OIDC_AUDIENCE: AUDIENCE })
    if (settings === undefined) throw new Error('an issuer is set')
    const deps = { now: async () => new Date(), keyCooldownMs }
    return createIdentityProvider(settings, pino({ level: 'silent' }), deps).identifyUser
  }

  test('may be rotated: the new one is accepted, the previous one is not, and unknown keys cause no fetch', async () => {
    await using rotating = await Issuer.start([{ id: 'admin', scope: ADMIN }])
    const identify = identificationAt(rotating.url, 200)
    const before = await rotating.token('admin')
    expect(await identify(before)).toMatchObject({ kind: 'user', id: 'admin', role: 'admin' })
    await rotating.rotateKey()
    const after = await rotating.token('admin')
    await sleep(250)
    expect(await identify(after)).toMatchObject({ id: 'admin' })
    expect(await identify(before)).toBeUndefined()
    const fetchesBefore = rotating.keyFetches
    const unknown = await rotating.sign({ scope: ADMIN }, { kid: 'unknown' })
    for (let guess = 0; guess < 50; guess++) expect(await identify(unknown)).toBeUndefined()
    expect(rotating.keyFetches - fetchesBefore).toBeLessThanOrEqual(3)
  })

  test('that cannot be fetched answer 503, until the provider is back; tokens of the manager are accepted meanwhile', async () => {
    await using folder = await makeTemporaryFolder()
    await using away = await Issuer.start([{ id: 'admin', scope: ADMIN }])
    const token = await away.token('admin')
    const { port } = new URL(away.url)
    await away[Symbol.asyncDispose]()
    const other = await startManagerProcess({
      DATA_DIR: folder.path,
      OIDC_ISSUER: `http://127.0.0.1:${port}`,
      OIDC_AUDIENCE: AUDIENCE,
    })
    const ask = (bearer: string) =>
      fetch(`${other.url}/tokens`, { headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' } })
    const refused = await ask(token)
    expect({ status: refused.status, wait: refused.headers.get('retry-after') }).toEqual({ status: 503, wait: '5' })
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/cannot be reached/) })
    expect((await ask(other.token)).status).toBe(200)
    expect((await ask('no token of any provider')).status).toBe(401)
    await other.stop()
  })

  test('are found where the provider calls itself by another name than its address, as UAA does', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ issuer: 'http://uaa.example/oauth/token', jwks_uri: `${issuer.url}/jwks` }))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const identify = identificationAt(`http://127.0.0.1:${port}`, 200)
    const scope = ['openid', OPERATOR]
    const uaa = { iss: 'http://uaa.example/oauth/token', scope, user_name: 'ada', aud: ['cf', AUDIENCE] }
    expect(await identify(await issuer.sign(uaa))).toMatchObject({ name: 'ada', role: 'operator' })
    expect(await identify(await issuer.sign({ ...uaa, iss: `http://127.0.0.1:${port}` }))).toBeUndefined()
    server.close()
  })

  test('are not accepted from what is no identity provider', async () => {
    const server = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const identify = identificationAt(`http://127.0.0.1:${port}`, 200)
    await expect(identify(await issuer.token('admin'))).rejects.toMatchObject({ code: 'unusable-answer' })
    server.close()
  })
})

test('settings that cannot be used stop the start with one sentence', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { OIDC_ISSUER: 'https://uaa.example', OIDC_AUDIENCE: 'a', OIDC_CA_FILE: '/nowhere.pem' }
  const program = startManagerProgram({ DATA_DIR: folder.path, ...settings })
  expect(await program.ended()).toBe(1)
  expect(program.output().trim()).toBe('OIDC_CA_FILE (/nowhere.pem) cannot be read: ENOENT.')
})
