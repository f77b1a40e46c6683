import { expect, test } from 'vitest'
import { parseConnectionUrl } from './connection-url.ts'

test.for([
  ['postgresql://u:p@db/name', 'postgresql://u:p@db:5432/name', [{ host: 'db', port: 5432 }]],
  [
    'postgresql://u:p%40%2F@a:5433,b,[::1]:5434/name?target_session_attrs=read-write&sslmode=verify-full',
    'postgresql://u:p%40%2F@a:5433/name?sslmode=verify-full',
    [
      { host: 'a', port: 5433 },
      { host: 'b', port: 5432 },
      { host: '::1', port: 5434 },
    ],
  ],
  ['postgresql:///name?host=/run/postgresql', 'postgresql:///name?host=%2Frun%2Fpostgresql', []],
  [
    'postgres://u@%2Frun%2Fpostgresql/name',
    'postgres://u@%2Frun%2Fpostgresql:5432/name',
    [{ host: '/run/postgresql', port: 5432 }],
  ],
] as const)('%s', ([text, url, servers]) => {
  expect(parseConnectionUrl(text)).toEqual({ url, servers, mustFindPrimary: servers.length > 1 })
})

test('the options of a URL are added to those of every connection', () => {
  const { url } = parseConnectionUrl('postgresql://db/name?options=-c%20search_path%3Dbackup')
  const options = new URL(url).searchParams.get('options')
  expect(options).toContain('-c search_path=backup')
  expect(options).toContain('-c tcp_user_timeout=')
})

test.for([
  'postgresql://user:hidden@a:x/name',
  'postgresql://user:hidden@a,,b/name',
  'postgresql://user:hidden@[a/name',
  'postgresql://user:hidden@a/name?target_session_attrs=standby',
])('%s is refused, without its password', (text) => {
  expect(() => parseConnectionUrl(text)).toThrow('DATABASE_URL must')
  expect(() => parseConnectionUrl(text)).not.toThrow('hidden')
})
