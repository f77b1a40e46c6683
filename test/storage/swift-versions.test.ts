import { randomUUID } from 'node:crypto'
import { openStore, removeExpected, type SwiftSettings, stores } from '@osb-backup/storage'
import { expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const mebibyte = 1024 ** 2

/** What is left of an object that was replaced and of one that was deleted. */
async function leftIn(headers: (container: string) => Record<string, string>, pageSize = 1) {
  const container = `swift-versions-${randomUUID()}`
  await account.makeContainer(`${container}_older`)
  await account.makeContainer(container, { headers: headers(`${container}_older`) })
  const settings: SwiftSettings = { type: 'swift', ...lab.swift, container }
  const store = openStore(settings, { retry: false, segmentSizeBytes: mebibyte })
  await store.put('plan/ä', generated(10))
  await store.put('plan/ä', generated(20))
  await store.put('plan/b', generated(3 * mebibyte))
  await store.remove('plan/b')
  await store.put('other/c', generated(40))
  await store.put('other/c', generated(50))
  const found = await Array.fromAsync(
    stores.listHiddenVersions(settings, 'plan/', { listPageSize: pageSize, retry: false }),
  )
  return found
    .map(({ name, sizeBytes, isDeleteMarker }) => `${name} ${isDeleteMarker ? 'deleted' : sizeBytes}`)
    .toSorted()
}

test('a container without versions has none', async () => {
  expect(await leftIn(() => ({}))).toEqual([])
})

test('versions and delete markers that Swift keeps beside the objects are found', async () => {
  expect(await leftIn(() => ({ 'x-versions-enabled': 'true' }))).toEqual([
    expect.stringMatching(/^plan\/b \d+$/),
    'plan/b deleted',
    'plan/ä 10',
  ])
})

test('versions in another container are found, with the markers of a history', async () => {
  expect(await leftIn((older) => ({ 'x-history-location': older }))).toEqual([
    expect.stringMatching(/^plan\/b \d+$/),
    'plan/b deleted',
    'plan/ä 10',
  ])
  // Swift restores what was there before, and there was nothing.
  expect(await leftIn((older) => ({ 'x-versions-location': older }))).toEqual(['plan/ä 10'])
})

/** A store that deletes versions, and what is left in its container below a name. */
async function versionedStore() {
  const container = `swift-versions-${randomUUID()}`
  await account.makeContainer(container, { headers: { 'x-versions-enabled': 'true' } })
  const settings: SwiftSettings = { type: 'swift', ...lab.swift, container, deleteVersions: true }
  const options = { retry: false, segmentSizeBytes: mebibyte } as const
  const store = openStore(settings, options)
  const stored = async (name: string, size: number) => {
    await store.put(name, generated(size))
    return (await store.head(name)) ?? expect.fail(`${name} is not stored`)
  }
  const left = async () => (await Array.fromAsync(stores.listHiddenVersions(settings, '', options))).length
  const segments = async () => (await account.list(`${container}_segments`)).length
  return { settings, options, store, stored, left, segments }
}

test.each([10, 3 * mebibyte])('an object of %i bytes goes with its versions, segments and markers', async (size) => {
  const { settings, store, stored, left, segments } = await versionedStore()
  await stored('object', size)
  // As a client that does not delete versions.
  await openStore({ ...settings, deleteVersions: false }, { retry: false }).remove('object')
  await stored('object-2', size)
  await stored('object', size + 1)
  const compared = await stored('object', size + 2)
  expect(await left()).toBeGreaterThan(0)
  expect(await store.removeIfSame({ ...compared, sizeBytes: 1 })).toBe(false)
  expect(await store.removeIfSame(compared)).toBe(true)
  expect(await left()).toBe(0)
  expect(await store.head('object')).toBeUndefined()
  await store.remove('object-2')
  expect([await left(), await segments()]).toEqual([0, 0])
})

test('an object that takes the name while versions are deleted is kept', async () => {
  const { settings, store, stored, options } = await versionedStore()
  await stored('object', 10)
  const compared = await stored('object', 20)
  const { origin } = new URL(lab.swift.storageUrl)
  await using proxy = await startFaultsProxy(origin)
  let newer: Promise<unknown> | undefined
  proxy.spoil(async ({ method }) => {
    if (method !== 'DELETE') return undefined
    newer ??= store.put('object', generated(40))
    await newer
    return undefined
  })
  const slow = openStore({ ...settings, storageUrl: lab.swift.storageUrl.replace(origin, proxy.origin) }, options)
  expect(await slow.removeIfSame(compared)).toBe(true)
  expect(newer).toBeDefined()
  expect(await store.head('object')).toMatchObject({ sizeBytes: 40 })
})

test('what a delete marker hides is deleted with the recorded object, and another object stays hidden', async () => {
  const never = async () => expect.fail('nothing has the name')
  const { settings, store, stored, left } = await versionedStore()
  const hiding = openStore({ ...settings, deleteVersions: false }, { retry: false })
  const recorded = await stored('object', 30)
  await hiding.remove('object')
  expect(await removeExpected(store, 'object', never, { recorded: { ...recorded, sizeBytes: 31 } })).toBe(false)
  expect(await left()).toBe(2)
  expect(await removeExpected(store, 'object', never, { recorded })).toBe(true)
  expect(await left()).toBe(0)
})
