import { expect, test } from 'vitest'
import { connectionOf } from './registration.ts'

const shop = { host: '10.0.0.5', port: 5432, username: 'ada', password: 'p:w', database: 'shop' }

test.for<[string, Record<string, unknown>]>([
  ['the usual names', shop],
  [
    'other names, and a port as text',
    { hostname: '10.0.0.5', port: '5432', user: 'ada', password: 'p:w', name: 'shop' },
  ],
  ['a URI alone', { uri: 'postgresql://ada:p%3Aw@10.0.0.5:5432/shop' }],
  ['a URI for what is missing', { ...shop, host: undefined, uri: 'postgresql://bob:x@10.0.0.5:1/other' }],
])('the credentials of a binding are read from %s', ([, credentials]) => {
  expect(connectionOf(credentials)).toEqual(shop)
})

test('what credentials do not say is unknown', () => {
  expect(connectionOf({ uri: 'no URI', port: 70_000 })).toEqual({
    host: undefined,
    port: undefined,
    username: undefined,
    password: undefined,
    database: undefined,
  })
})
