import { expect, test } from 'vitest'
import { type Store, storeSchema } from './stores.ts'

test('a store of a kind that only the manager knows is read with all its settings', () => {
  const tape = { kind: 'tape', library: 'basement', passwordSet: true }
  expect(storeSchema.parse(tape)).toEqual(tape)
  expect(storeSchema.safeParse({ library: 'basement' }).success).toBe(false)
})

test('a store of a known kind is read only if it has the settings of that kind, which its type holds', () => {
  expect(storeSchema.safeParse({ kind: 's3', library: 'basement' }).success).toBe(false)
  expect(storeSchema.safeParse({ kind: 'file' }).success).toBe(false)
  const whereIs = (store: Store) => {
    if (store.kind === 's3') return store.bucket
    if (store.kind === 'swift') return store.container
    return store.directory
  }
  expect(whereIs(storeSchema.parse({ kind: 'file', directory: '/backups' }))).toBe('/backups')
})
