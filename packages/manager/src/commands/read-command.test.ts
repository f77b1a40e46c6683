import { expect, test } from 'vitest'
import { readCommand, UsageError } from './read-command.ts'

const read = (line: string) => readCommand(line === '' ? [] : line.split(' '))

test.for([
  ['', { name: 'start' }],
  ['--help', { name: 'help' }],
  ['--version', { name: 'version' }],
  ['token create --name x -h', { name: 'help' }],
  ['token list', { name: 'token list' }],
  ['token revoke 69a3', { name: 'token revoke', id: '69a3' }],
  ['key rotate', { name: 'key rotate' }],
  ['recover --from s.json --apply', { name: 'recover', file: 's.json', apply: true }],
  ['key forget', { name: 'key forget' }],
  ['import --from /dump', { name: 'import', folder: '/dump', apply: false }],
  ['import --from /dump --apply', { name: 'import', folder: '/dump', apply: true }],
  ['reconcile 69a3', { name: 'reconcile', id: '69a3', remove: false, adopt: false, olderThanHours: undefined }],
  [
    'reconcile 69a3 --remove --older-than-hours 2',
    { name: 'reconcile', id: '69a3', remove: true, adopt: false, olderThanHours: 2 },
  ],
  ['reconcile 69a3 --adopt', { name: 'reconcile', id: '69a3', remove: false, adopt: true, olderThanHours: undefined }],
  [
    'token create --name ada',
    {
      name: 'token create',
      token: { name: 'ada', role: 'viewer', permissions: [], grants: 'all', expiresAt: undefined },
    },
  ],
  [
    'token create --name=ci --role operator --instances a,b --expires 2026-12-31',
    {
      name: 'token create',
      token: {
        name: 'ci',
        role: 'operator',
        permissions: [],
        grants: ['a', 'b'],
        expiresAt: new Date('2027-01-01T00:00:00Z'),
      },
    },
  ],
] as const)('%j is read', ([line, command]) => {
  expect(read(line)).toEqual(command)
})

test.for([
  ['start', /no command "start"/],
  ['token', /no command "token"/],
  ['token list more', /"more" is one word too many/],
  ['token revoke', /takes one id/],
  ['token revoke a b', /takes one id/],
  ['token create', /--name is needed/],
  ['token create --name x --role root', /--role must be one of broker, viewer, operator, admin/],
  ['token create --name x --instances a,,b', /--instances must be ids/],
  ['token create --name x --expires tomorrow', /--expires must be a day/],
  ['token create --name x --expires 2026-13-01', /--expires must be a day/],
  ['key rotate --name x', /--name is for "token create" alone/],
  ['import', /needs --from/],
  ['recover', /needs --from/],
  ['reconcile x --apply', /--apply is for "import" and "recover" alone/],
  ['reconcile', /takes one id/],
  ['reconcile x --older-than-hours soon', /must be a whole number/],
  ['token list --remove', /--remove is for "reconcile" alone/],
  ['--port 80', /--port/],
] as const)('%j is refused', ([line, sentence]) => {
  expect(() => read(line)).toThrow(UsageError)
  expect(() => read(line)).toThrow(sentence)
})
