import { randomUUID } from 'node:crypto'
import { BandwidthLimit, openStore, type SwiftSettings } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { SwiftClient } from '../../packages/storage/src/swift/swift-client.ts'
import { describeObjectStore } from './conformance.ts'
import { generated } from './generated.ts'
import { keystoneThatSpoilsTokens, swiftThatRefusesFirstRemoval } from './spoiling-keystone.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab').swift
const mebibyte = 1024 * 1024

function settingsOf(container: string): SwiftSettings {
  return { type: 'swift', ...lab, container }
}

const container = `conformance-${randomUUID()}`
const account = new SwiftAccount(lab)

describeObjectStore('swift', {
  prepare: () => account.makeContainer(container),
  open: (options) => openStore(settingsOf(container), options),
  openMissing: () => openStore(settingsOf(`missing-${randomUUID()}`), { retry: false }),
  openWithWrongCredentials: () => openStore({ ...settingsOf(container), password: 'wrong' }, { retry: false }),
  openUnreachable: () => openStore({ ...settingsOf(container), authUrl: 'http://127.0.0.1:1/v3' }, { retry: false }),
  countOrphans: async () => (await account.list(`${container}_segments`)).length,
  knowsConditions: true,
  boundaries: [4 * mebibyte],
  cleanUp: async () => {
    await account.removeContainer(container)
    await account.removeContainer(`${container}_segments`)
  },
})

describe('swift, segments', () => {
  const container = `segments-${randomUUID()}`
  beforeAll(() => account.makeContainer(container))
  afterAll(async () => {
    await account.removeContainer(container)
    await account.removeContainer(`${container}_segments`)
  })

  test('are no larger than the server accepts, whatever was requested', async () => {
    const size = 100 * mebibyte
    const maximum = await account.maximumSizeBytes()
    expect(maximum, 'the lab takes such objects whole: `npm run lab -- down`, and `up` again').toBeLessThan(size)
    const store = openStore(settingsOf(container), { segmentSizeBytes: 1024 * mebibyte })
    await store.put('large', generated(size))
    const segments = await account.list(`${container}_segments`)
    const full = Math.floor(size / maximum)
    const expected = [...Array<number>(full).fill(maximum), size - full * maximum].filter((bytes) => bytes > 0)
    expect(segments.map((segment) => segment.bytes)).toEqual(expected)
    await store.remove('large')
    expect(await account.list(`${container}_segments`)).toEqual([])
  })

  test('are left alone when they belong to others, though the replaced object referred to them', async () => {
    const store = openStore(settingsOf(container))
    await store.put('others', generated(100))
    await account.putManifest(container, 'combined', [`/${container}/others`])
    expect(await store.head('combined')).toMatchObject({ sizeBytes: 100 })
    await store.put('combined', generated(10))
    expect(await store.head('others')).toMatchObject({ sizeBytes: 100 })
    await store.remove('combined')
    await store.remove('others')
  })

  test('are not needed for small objects', async () => {
    const store = openStore(settingsOf(container))
    await store.put('small', generated(mebibyte))
    const segments = await account.list(`${container}_segments`)
    expect(segments.filter(({ name }) => name.startsWith('small/'))).toEqual([])
    await store.remove('small')
  })
})

describe('swift, login', () => {
  const container = `login-${randomUUID()}`
  beforeAll(() => account.makeContainer(container))
  afterAll(async () => {
    await account.removeContainer(container)
    await account.removeContainer(`${container}_segments`)
  })

  test('is renewed when Swift no longer accepts it', async () => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, (login) => login === 1)
    const store = openStore({ ...settingsOf(container), authUrl: keystone.url }, { retry: false })
    await store.put('a', generated(10))
    expect(await store.head('a')).toMatchObject({ sizeBytes: 10 })
    await store.remove('a')
    expect(keystone.logins()).toBe(2)
  })

  test.each([
    { when: 'before it expires', isSpoilt: () => false },
    { when: 'when it is refused', isSpoilt: (login: number) => login % 3 === 0 },
  ])('is renewed during a long upload, $when', async ({ isSpoilt }) => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, isSpoilt, 300)
    const settings = { ...settingsOf(container), authUrl: keystone.url }
    const bandwidth = [new BandwidthLimit(8 * mebibyte)]
    const store = openStore(settings, { segmentSizeBytes: mebibyte, partsInFlight: 1, bandwidth, retry: false })
    await store.put('long', generated(12 * mebibyte))
    expect(keystone.logins()).toBeGreaterThan(4)
    expect(await store.head('long')).toMatchObject({ sizeBytes: 12 * mebibyte })
    await store.remove('long')
  })

  test('is renewed when it is refused for the segments of a manifest', async () => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, (login) => login === 1)
    const segments = `${container}_segments`
    await account.makeContainer(segments)
    const store = openStore(settingsOf(segments))
    await store.put('part', generated(mebibyte))
    const client = new SwiftClient({ ...settingsOf(container), authUrl: keystone.url }, { retry: false })
    await client.sendAndDump({
      method: 'PUT',
      container,
      name: 'whole',
      query: { 'multipart-manifest': 'put' },
      body: Buffer.from(JSON.stringify([{ path: `/${segments}/part` }])),
      accept: [201],
    })
    expect(keystone.logins()).toBe(2)
    expect(await openStore(settingsOf(container)).head('whole')).toMatchObject({ sizeBytes: mebibyte })
    await openStore(settingsOf(container)).remove('whole')
    expect(await account.list(segments)).toEqual([])
  })

  test('is renewed when it expires while segments are removed', async () => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, () => false)
    await using swift = await swiftThatRefusesFirstRemoval(lab.storageUrl)
    const settings = { ...settingsOf(container), authUrl: keystone.url, storageUrl: swift.url }
    const store = openStore(settings, { segmentSizeBytes: mebibyte, retry: false })
    await store.put('large', generated(3 * mebibyte))
    await store.remove('large')
    expect(keystone.logins()).toBe(2)
    expect(await store.head('large')).toBeUndefined()
    expect(await account.list(`${container}_segments`)).toEqual([])
  })

  test('is shared by calls at the same time', async () => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, () => false)
    const store = openStore({ ...settingsOf(container), authUrl: keystone.url }, { retry: false })
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => store.head(name)))
    expect(keystone.logins()).toBe(1)
  })

  test('is rejected only after one more attempt', async () => {
    await using keystone = await keystoneThatSpoilsTokens(lab.authUrl, () => true)
    const store = openStore({ ...settingsOf(container), authUrl: keystone.url }, { retry: false })
    await expect(store.head('a')).rejects.toMatchObject({ code: 'denied' })
    expect(keystone.logins()).toBe(2)
  })
})
