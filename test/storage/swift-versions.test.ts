import { randomUUID } from 'node:crypto'
import { openStore, type SwiftSettings, stores } from '@osb-backup/storage'
import { expect, inject, test } from 'vitest'
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
