import { randomUUID } from 'node:crypto'
import { failureCodeOf, openStore, type StoreError, type SwiftSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

/** All against the lab's real Keystone and Swift. */
const lab = inject('lab').swift
const container = `settings-${randomUUID()}`
const account = new SwiftAccount(lab)
const byName: SwiftSettings = { type: 'swift', ...lab, container }
/** Nothing but where, and what proves who: each test adds who. */
const bare: SwiftSettings = { ...byName, domain: '', projectName: '', username: '', storageUrl: '' }

interface Token {
  user: { id: string; domain: { id: string } }
  project: { id: string; domain: { id: string } }
  catalog: { type: string; endpoints: { interface: string; url: string; region: string }[] }[]
}
let token: Token
/** The token itself, for requests of the tests. */
let subject: string
let credential: { id: string; name: string; secret: string }

beforeAll(async () => {
  await account.makeContainer(container)
  const { domain, projectName, username, password } = lab
  const identity = { methods: ['password'], password: { user: { name: username, domain: { name: domain }, password } } }
  const auth = { identity, scope: { project: { name: projectName, domain: { name: domain } } } }
  const login = await keystone('POST', '/auth/tokens', { auth })
  token = login.body.token as Token
  subject = login.token
  const wanted = { application_credential: { name: `settings-${randomUUID()}` } }
  const created = await keystone('POST', `/users/${token.user.id}/application_credentials`, wanted)
  credential = created.body.application_credential as typeof credential
})
afterAll(async () => {
  await keystone('DELETE', `/users/${token.user.id}/application_credentials/${credential.id}`)
  await account.removeContainer(container)
})

async function keystone(method: string, path: string, body?: object) {
  const answer = await fetch(`${lab.authUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(subject === undefined ? {} : { 'x-auth-token': subject }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  expect(answer.ok, `${path}: ${text}`).toBe(true)
  const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { body: parsed, token: answer.headers.get('x-subject-token') ?? '' }
}

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
