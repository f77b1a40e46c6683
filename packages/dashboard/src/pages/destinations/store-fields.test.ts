import { fileStoreSettingsSchema, s3StoreSettingsSchema, swiftStoreSettingsSchema } from '@osb-backup/protocol/v1'
import { expect, test } from 'vitest'
import { storeFields, storeRequestOf, valuesOf } from './store-fields.ts'

test('the form of each kind of store has all of its settings, and requires those that the API requires', () => {
  const schemas = { s3: s3StoreSettingsSchema, swift: swiftStoreSettingsSchema, file: fileStoreSettingsSchema }
  for (const [kind, { shape }] of Object.entries(schemas)) {
    const { kind: _kind, ...settings } = shape
    const expected = Object.entries(settings).map(([name, schema]) => [name, !schema.safeParse(undefined).success])
    const fields = storeFields[kind as keyof typeof schemas].map(({ name, isRequired = false }) => [name, isRequired])
    expect(fields.toSorted()).toEqual(expected.toSorted())
  }
})

test('a request sets what was filled in, removes what was emptied and keeps the secret that was not typed again', () => {
  const before = valuesOf({ kind: 's3', bucket: 'backups', region: 'eu', pathStyle: true, authSecretSet: true })
  expect(before).toEqual({ bucket: 'backups', region: 'eu', pathStyle: 'true' })
  const values = { ...before, bucket: ' others ', region: '', pathStyle: 'false', authSecret: '' }
  expect(storeRequestOf('s3', values, before)).toEqual({ kind: 's3', bucket: 'others', region: null, pathStyle: false })
  expect(storeRequestOf('s3', { ...values, authSecret: 'new' })).toEqual({
    kind: 's3',
    bucket: 'others',
    pathStyle: false,
    authSecret: 'new',
  })
})
