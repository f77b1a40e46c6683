import { randomUUID } from 'node:crypto'
import { failureCodeOf, openStore, type StoreError, type SwiftSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated } from './generated.ts'
import { type ApplicationCredential, KeystoneUser, type Token } from './keystone-user.ts'
import { SwiftAccount } from './swift-account.ts'

/** All against the lab's real Keystone and Swift. */
const lab = inject('lab').swift
const container = `settings-${randomUUID()}`
const account = new SwiftAccount(lab)
const byName: SwiftSettings = { type: 'swift', ...lab, container }
/** Nothing but where, and what proves who: each test adds who. */
const bare: SwiftSettings = { ...byName, domain: '', projectName: '', username: '', storageUrl: '' }

let token: Token
/** The token itself, for requests of the tests. */
let subject: string
let user: KeystoneUser
let credential: ApplicationCredential

beforeAll(async () => {
  await account.makeContainer(container)
  user = await KeystoneUser.logIn(lab)
  token = user.token
  subject = user.subject
  credential = await user.createApplicationCredential()
})
afterAll(async () => {
  await credential[Symbol.asyncDispose]()
  await account.removeContainer(container)
})

async function failureOf(settings: SwiftSettings): Promise<StoreError> {
  const error: unknown = await openStore(settings, { retry: false })
    .head('a')
    .catch((thrown: unknown) => thrown)
  return error instanceof Error ? (error as StoreError) : expect.fail('it is accepted')
}

type Fields = Partial<SwiftSettings>
const { domain, username, projectName } = lab
/** Who logs in, and the same with the one thing wrong that the case is about. */
const logins: { what: string; right: () => Fields; wrong: Fields }[] = [
  {
    what: 'user and project domain by name',
    right: () => ({ username, projectName, userDomain: domain, projectDomain: domain }),
    wrong: { userDomain: 'Default' },
  },
  {
    what: 'a project domain that is not the user domain',
    right: () => ({ username, projectName, domain: 'Default', userDomain: domain, projectDomain: domain }),
    wrong: { projectDomain: '' },
  },
  {
    what: 'user and project domain by id, before a name',
    right: () => ({
      ...{ username, projectName, userDomainId: token.user.domain.id, projectDomainId: token.project.domain.id },
      ...{ userDomain: 'ignored', domain: 'ignored' },
    }),
    wrong: { projectDomainId: 'no-such-id' },
  },
  {
    what: 'user and project by id, without a domain',
    right: () => ({ userId: token.user.id, projectId: token.project.id }),
    wrong: { projectId: randomUUID().replaceAll('-', '') },
  },
  {
    what: 'an application credential by id',
    right: () => ({ applicationCredentialId: credential.id, password: credential.secret }),
    wrong: { password: 'wrong' },
  },
  {
    what: 'an application credential by name, of a user in a domain',
    right: () => ({
      ...{ applicationCredentialName: credential.name, username, password: credential.secret },
      userDomainId: token.user.domain.id,
    }),
    wrong: { applicationCredentialName: 'no-such-credential' },
  },
  {
    what: 'an application credential by name, of a user by id',
    right: () => ({
      ...{ applicationCredentialName: credential.name, userId: token.user.id, password: credential.secret },
    }),
    wrong: { userId: 'no-such-user' },
  },
]

test.each(logins)('the login takes $what', async ({ right, wrong }) => {
  const store = openStore({ ...bare, ...right() }, { retry: false })
  const name = randomUUID()
  await store.put(name, generated(10), { mustBeNew: true })
  expect(await openStore(byName).head(name)).toMatchObject({ sizeBytes: 10 })
  await store.remove(name)
  const error = await failureOf({ ...bare, ...right(), ...wrong })
  expect([error.code, failureCodeOf(error)]).toEqual(['denied', 'destination-credentials'])
})

describe('when the credentials expire', () => {
  const expiryOf = (fields: Fields) => openStore({ ...bare, ...fields }, { retry: false }).credentialsExpireAt?.()

  test('is what Keystone says of an application credential', async () => {
    const expiresAt = new Date(Math.ceil(Date.now() / 1000) * 1000 + 5 * 86_400_000)
    await using created = await user.createApplicationCredential(expiresAt)
    const { id: applicationCredentialId, name: applicationCredentialName, secret: password } = created
    expect(await expiryOf({ applicationCredentialId, password })).toEqual(expiresAt)
    expect(await expiryOf({ applicationCredentialName, userId: token.user.id, password })).toEqual(expiresAt)
    expect(await expiryOf({ applicationCredentialId: credential.id, password: credential.secret })).toBeUndefined()
    await expect(expiryOf({ applicationCredentialId, password: 'wrong' })).rejects.toMatchObject({ code: 'denied' })
  })

  test('is what Keystone says of a password, or not known', async () => {
    expect(await expiryOf(byName)).toBeUndefined()
    await using proxy = await startFaultsProxy(lab.authUrl.replace(/\/v3$/, ''))
    const headers = { 'content-type': 'application/json', 'x-subject-token': subject }
    const loggedIn = (user: object) => ({
      ...{ kind: 'answer' as const, status: 201, headers },
      body: JSON.stringify({ token: { ...token, user: { ...token.user, ...user } } }),
    })
    const viaProxy = { ...byName, authUrl: `${proxy.origin}/v3` }
    proxy.spoil(() => loggedIn({ password_expires_at: '2030-01-02T03:04:05.000000' }))
    expect(await expiryOf(viaProxy)).toEqual(new Date('2030-01-02T03:04:05Z'))
    proxy.spoil(() => loggedIn({ password_expires_at: 'soon' }))
    expect(await expiryOf(viaProxy)).toBeUndefined()
    // A policy may keep owners from reading their application credentials.
    const { id: applicationCredentialId, secret: password } = credential
    proxy.spoil(({ number }) => (number === 0 ? undefined : { kind: 'answer', status: 403, headers, body: '{}' }))
    expect(await expiryOf({ ...viaProxy, applicationCredentialId, password })).toBeUndefined()
  })

  test('is not known of other stores', async () => {
    expect(await openStore({ type: 'file', directory: '/tmp' }).credentialsExpireAt?.()).toBeUndefined()
  })
})

describe('the endpoint', () => {
  const viaCatalog = { ...byName, storageUrl: '' }

  test.each(['public', 'internal', 'admin'] as const)('is the %s one of the region', async (wanted) => {
    const region = token.catalog.find(({ type }) => type === 'object-store')?.endpoints[0]?.region ?? ''
    expect(region).not.toBe('')
    const store = openStore({ ...viaCatalog, region, interface: wanted }, { retry: false })
    expect(await store.head('absent')).toBeUndefined()
  })

  test('of a region that has none is an error, which says which have one', async () => {
    const error = await failureOf({ ...viaCatalog, region: 'elsewhere', interface: 'internal' })
    expect(error).toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(
        /knows no internal object-store endpoint in region "elsewhere" for .*; it has one in /,
      ),
    })
    expect(failureCodeOf(error)).toBe('destination-region')
  })

  // A stand-in: the answer to the login is that of the lab's Keystone, with a catalog of several endpoints.
  test('is that of the region and the interface, and of no other', async () => {
    await using proxy = await startFaultsProxy(new URL(lab.authUrl).origin)
    const { url } = token.catalog.find(({ type }) => type === 'object-store')?.endpoints[0] ?? { url: '' }
    const wrongUrl = 'http://127.0.0.1:1/v1/AUTH_none'
    const endpoints = ['one', 'two'].flatMap((region) =>
      ['admin', 'public', 'internal'].map((each) => ({
        ...{ interface: each, region, region_id: region },
        url: region === 'two' && each === 'internal' ? url : wrongUrl,
      })),
    )
    const catalog = [
      { type: 'identity', endpoints: [{ interface: 'internal', region: 'two', url: wrongUrl }] },
      { type: 'object-store', endpoints },
    ]
    const body = JSON.stringify({ token: { ...token, catalog } })
    const headers = { 'content-type': 'application/json', 'x-subject-token': subject }
    proxy.spoil(() => ({ kind: 'answer', status: 201, headers, body }))
    const elsewhere: SwiftSettings = { ...viaCatalog, authUrl: `${proxy.origin}/v3` }
    const found = openStore({ ...elsewhere, region: 'two', interface: 'internal' }, { retry: false })
    expect(await found.head('absent')).toBeUndefined()
    const others: Fields[] = [{ region: 'one', interface: 'internal' }, { region: 'two' }, { interface: 'internal' }]
    for (const other of others) expect((await failureOf({ ...elsewhere, ...other })).code).toBe('temporary')
  })
})
