import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { err, ok } from '@osb-backup/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fileKind } from './file/file-kind.ts'
import { type StoreSettings, stores } from './kinds.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'
import { s3Kind } from './s3/s3-kind.ts'
import { StoreError } from './store-error.ts'
import { keptSecret, missingSecret, type StoreKind } from './store-kind.ts'
import { StoreRegistry } from './store-registry.ts'

/** A kind that only this test knows: objects in the memory of this process, in shelves with a password. */
const shelfSettingsSchema = z.object({ type: z.literal('shelf'), shelf: z.string(), password: z.string() })
type ShelfSettings = z.infer<typeof shelfSettingsSchema>
const shelves = new Map<string, Map<string, { content: Buffer; modifiedAt: Date }>>()

const shelfKind = {
  type: 'shelf',
  wireType: 'SHELF',
  settingsSchema: shelfSettingsSchema,
  secretFields: ['password'],
  credentialFields: [],
  location: ({ shelf }) => `shelf ${shelf}`,
  identity: ({ shelf }) => [shelf],
  endpointField: undefined,
  endpoint: () => undefined,
  terms: () => undefined,
  localDirectory: () => undefined,
  withLocalDirectory: (settings) => settings,
  agent: {
    fields: { shelf: z.string().optional(), password: z.string().optional() },
    requiredFields: ['shelf', 'password'],
    expectedFields: [],
    decode: ({ shelf, password }: { shelf: string; password: string }) => ({ type: 'shelf', shelf, password }),
    encode: ({ shelf, password }) => ({ shelf, password }),
    answerFields: ({ shelf }) => ({ shelf }),
    scriptVariables: ({ shelf }) => ({ SHELF: shelf }),
  },
  legacy: {
    requestSchema: z.object({ type: z.literal('SHELF'), shelf: z.string(), password: z.string().optional() }),
    answerSchema: z.object({ type: z.literal('SHELF'), shelf: z.string() }),
    decode: decodeShelf,
    encode: ({ shelf }) => ({ type: 'SHELF', shelf }),
  },
  v1: {
    requestSchema: z.strictObject({ kind: z.literal('shelf'), shelf: z.string(), password: z.string().optional() }),
    answerSchema: z.object({ kind: z.literal('shelf'), shelf: z.string(), passwordSet: z.boolean() }),
    decode: decodeShelf,
    encode: ({ shelf }) => ({ kind: 'shelf', shelf, passwordSet: true }),
  },
  load: async () => ({
    openStore: ({ shelf }) => openShelf(shelf),
    removeIncompleteUpload: async () => undefined,
    async *listIncompleteUploads(): AsyncGenerator<never> {
      // A shelf takes an object at once or not at all.
    },
  }),
} as const satisfies StoreKind<ShelfSettings>

function decodeShelf(request: { shelf: string; password?: string | undefined }, stored: object | undefined) {
  const password = keptSecret(request.password, (stored as ShelfSettings | undefined)?.password)
  return password === undefined
    ? err(missingSecret('password'))
    : ok({ type: 'shelf' as const, shelf: request.shelf, password })
}

function openShelf(shelf: string): ObjectStore {
  const objects = shelves.get(shelf) ?? new Map<string, { content: Buffer; modifiedAt: Date }>()
  shelves.set(shelf, objects)
  const describeObject = (name: string): StoredObject | undefined => {
    const object = objects.get(name)
    return object && { name, sizeBytes: object.content.length, modifiedAt: object.modifiedAt }
  }
  return {
    location: `shelf ${shelf}`,
    async put(name, content) {
      const object = { content: await buffer(content), modifiedAt: new Date() }
      objects.set(name, object)
      return { name, sizeBytes: object.content.length, modifiedAt: object.modifiedAt }
    },
    async get(name) {
      const object = objects.get(name)
      if (object === undefined) throw new StoreError('absent', `There is no object "${name}" on shelf ${shelf}.`)
      return Readable.from([object.content])
    },
    head: async (name) => describeObject(name),
    async *list(prefix) {
      for (const name of [...objects.keys()].toSorted()) {
        const object = describeObject(name)
        if (name.startsWith(prefix) && object !== undefined) yield object
      }
    },
    async remove(name) {
      objects.delete(name)
    },
    async removeIfSame({ name, modifiedAt }) {
      const found = objects.get(name)
      if (found !== undefined && found.modifiedAt.getTime() !== modifiedAt.getTime()) return false
      return objects.delete(name) || found === undefined
    },
  }
}

describe('a kind that is added to the list', () => {
  const registry = new StoreRegistry<StoreSettings | ShelfSettings>([...stores.kinds, shelfKind])
  const settings: ShelfSettings = { type: 'shelf', shelf: 'upper', password: 'pass-1' }

  test('is read among the settings of all kinds, and others are rejected', () => {
    expect(registry.settingsSchema.parse(settings)).toEqual(settings)
    expect(registry.settingsSchema.safeParse({ type: 'shelf', shelf: 'upper' }).success).toBe(false)
    expect(registry.settingsSchema.safeParse({ type: 'drawer' }).success).toBe(false)
    expect(registry.kindOfWireType('SHELF')?.type).toBe('shelf')
    expect(registry.kindOfWireType('DRAWER')).toBeUndefined()
    expect(registry.kindOfLegacyClass('com.example.S3FileDestination')?.type).toBe('s3')
    expect(registry.kindOfLegacyClass('com.example.ShelfDestination')).toBeUndefined()
  })

  test('has its secrets separated, masked and forgotten', () => {
    const { open, secrets } = registry.splitSecrets(settings)
    expect([open, secrets]).toEqual([{ type: 'shelf', shelf: 'upper' }, { password: 'pass-1' }])
    expect(registry.joinSecrets(open, secrets)).toEqual(settings)
    expect(registry.credentialsOf(settings)).toEqual(['pass-1'])
    expect(registry.withoutCredentials(settings)).toEqual({ ...settings, password: '' })
  })

  test('stores objects', async () => {
    const store = registry.openStore(settings)
    expect(store.location).toBe('shelf upper')
    await store.put('a/b', Readable.from([Buffer.from('x')]))
    expect(await store.head('a/b')).toMatchObject({ sizeBytes: 1 })
    expect((await buffer(await store.get('a/b'))).toString()).toBe('x')
    const names: string[] = []
    for await (const { name } of store.list('a/')) names.push(name)
    expect(names).toEqual(['a/b'])
    await store.remove('a/b')
    await expect(store.get('a/b')).rejects.toMatchObject({ code: 'absent' })
    for await (const upload of registry.listIncompleteUploads(settings, '')) expect.fail(upload.name)
    await registry.removeIncompleteUpload(settings, { name: 'a/b', since: new Date() })
  })

  test('differs from other places', () => {
    expect(registry.isSamePlace(settings, { ...settings, password: 'other' })).toBe(true)
    expect(registry.isSamePlace(settings, { ...settings, shelf: 'lower' })).toBe(false)
    expect(registry.isSamePlace(settings, { type: 'file', directory: 'upper' })).toBe(false)
  })
})

/** Settings of each kind, with all fields that the wire can carry. */
const examples: StoreSettings[] = [
  {
    type: 's3',
    endpoint: 'https://s3.example',
    region: 'eu-1',
    bucket: 'b',
    accessKeyId: 'key-1',
    secretAccessKey: 'secret-1',
    plainHttp: false,
    pathStyle: true,
    tls: { ca: 'PEM', insecure: true },
  },
  {
    type: 'swift',
    authUrl: 'https://keystone.example/v3',
    domain: 'd',
    projectName: 'p',
    username: 'u',
    password: 'secret-1',
    container: 'c',
    tls: { ca: 'PEM' },
  },
  { type: 'file', directory: '/backups' },
]

describe.each(examples)('settings of the kind $type', (settings) => {
  const kind = stores.kindOf(settings)
  const common = { name: 'n', serviceInstance: { service_instance_id: 'i' } }

  test('survive the journal, the database and the way to an agent', () => {
    expect(stores.settingsSchema.parse(JSON.parse(JSON.stringify(settings)))).toEqual(settings)
    const { open, secrets } = stores.splitSecrets(settings)
    expect(stores.joinSecrets(open, secrets)).toEqual(settings)
    expect(JSON.stringify(open)).not.toContain('secret-1')
    const destination = kind.agent.encode(settings)
    expect(kind.agent.decode(destination)).toEqual(settings)
    for (const field of [...kind.agent.requiredFields, ...Object.keys(destination)]) {
      expect(kind.agent.fields).toHaveProperty(field)
    }
    expect(JSON.stringify(kind.agent.answerFields(settings))).not.toMatch(/secret-1|key-1/)
  })

  test.each(['legacy', 'v1'] as const)(
    'are sent and shown in the API %s, where secrets are kept but not shown',
    (api) => {
      const codec = kind[api]
      const answer = codec.encode(settings)
      expect(JSON.stringify(answer)).not.toContain('secret-1')
      expect(api === 'v1' ? answer.kind : answer.type).toBe(api === 'v1' ? kind.type : kind.wireType)
      const known = Object.entries(answer).filter(([field]) => !field.endsWith('Set'))
      const sent = { ...(api === 'legacy' ? common : {}), ...Object.fromEntries(known) }
      const request = codec.requestSchema.parse(sent)
      const decoded = codec.decode(request, settings)
      if (!decoded.ok) expect.fail(decoded.error.problem)
      const { plainHttp: _default, ...rest } = { ...decoded.value } as Record<string, unknown>
      expect(settings).toMatchObject(rest)
      const without = codec.decode(request, undefined)
      expect(without.ok).toBe(kind.secretFields.length === 0)
      if (!without.ok) expect(without.error.problem).toBe(`${without.error.field} is required.`)
    },
  )

  test('have no location if a URL is not valid', () => {
    if (kind.endpointField === undefined) return expect(kind.location(settings)).toBe('directory /backups')
    expect(kind.endpoint(settings)?.protocol).toBe('https:')
    const wrong = { ...settings, [kind.endpointField]: 'http://[' } as StoreSettings
    expect(() => kind.endpoint(wrong)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
    expect(() => stores.openStore(wrong)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
  })
})

test('a stored Swift password is kept only for the server that it was sent to before', () => {
  const [, swift] = examples
  if (swift?.type !== 'swift') return expect.fail('the second example is Swift')
  const { v1 } = stores.kindOf(swift)
  const { passwordSet: _, ...shown } = v1.encode(swift)
  const isKept = (changes: object) => v1.decode({ ...shown, ...changes }, swift).ok
  expect(isKept({})).toBe(true)
  expect(isKept({ container: 'other' })).toBe(true)
  expect(isKept({ caCertificate: undefined })).toBe(true)
  expect(isKept({ authUrl: 'https://other.example/v3' })).toBe(false)
  expect(isKept({ caCertificate: 'another PEM' })).toBe(false)
  expect(isKept({ insecureTls: true })).toBe(false)
})

test('an S3 endpoint without a scheme says in /v1 how it is reached', () => {
  const settings = { type: 's3', endpoint: 'host:9000', bucket: 'b', accessKeyId: 'k', secretAccessKey: 's' } as const
  expect(s3Kind.v1.encode({ ...settings, plainHttp: true })).toMatchObject({ endpoint: 'http://host:9000' })
  expect(s3Kind.v1.encode(settings)).toMatchObject({ endpoint: 'host:9000' })
})

test('two paths of one directory are one place', () => {
  expect(fileKind.identity({ type: 'file', directory: '/a/b/../c/' })).toEqual(['/a/c'])
})

test('no code outside of the folders of the kinds names one', async () => {
  const packages = join(import.meta.dirname, '../..')
  const names = stores.kinds.flatMap(({ type, wireType }) => [`'${type}'`, `'${wireType}'`])
  const found: string[] = []
  for await (const file of glob('{agent,manager,storage}/src/**/*.ts', { cwd: packages })) {
    if (file.endsWith('.test.ts') || stores.kinds.some(({ type }) => file.startsWith(`storage/src/${type}/`))) continue
    const text = await readFile(join(packages, file), 'utf8')
    if (names.some((name) => text.includes(name))) found.push(file)
  }
  expect(found).toEqual([])
})
