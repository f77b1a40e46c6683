import { randomUUID } from 'node:crypto'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { generated } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const mebibyte = 1024 * 1024

const stores: Record<string, (place: string) => StoreSettings> = {
  swift: (container) => ({ type: 'swift', ...lab.swift, container }),
  s3: (bucket) => ({ type: 's3', ...lab.s3, bucket }),
}

describe.each(Object.entries(stores))('%s with a quota', (_, settingsOf) => {
  test('reports that it is full, and keeps existing objects and nothing of the new one', async () => {
    const place = `quota-${randomUUID()}`
    await account.makeContainer(place, { quotaBytes: 2 * mebibyte })
    onTestFinished(() => account.removeContainer(place))
    const store = openStore(settingsOf(place))
    await store.put('fits', generated(mebibyte))
    // More than the quota by itself: Swift may not have counted the other yet.
    await expect(store.put('more', generated(3 * mebibyte))).rejects.toMatchObject({
      code: 'full',
      message: expect.stringContaining('no space or quota is left'),
    })
    expect((await account.list(place)).map(({ name }) => name)).toEqual(['fits'])
    await store.remove('fits')
  })
})
