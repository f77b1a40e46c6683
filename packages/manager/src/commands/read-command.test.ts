import { expect, test } from 'vitest'
import { readCommand, UsageError } from './read-command.ts'

const read = (line: string) => readCommand(line === '' ? [] : line.split(' '))

test.for([
  ['', { name: 'start' }],
  ['--version', { name: 'version' }],
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
  ['--help', /^Usage: npm start -- \[options\] \[command\][\s\S]*reconcile[\s\S]*DATA_DIR/],
  ['token create --name x -h', /^Usage: npm start -- token create \[options\][\s\S]*--expires <day>[\s\S]*Example:/],
  ['key --help', /^Usage: npm start -- key[\s\S]*rotate/],
] as const)('%j prints help', ([line, text]) => {
  expect(read(line)).toMatchObject({ name: 'help', text: expect.stringMatching(text) })
})

test.for([
  ['start', "Unknown command 'start'."],
  ['tokn list', "Unknown command 'tokn'. Did you mean token?"],
  ['token', '"token" lacks a command.'],
  ['token list more', "Too many arguments for 'list'. Expected 0 arguments but got 1: more."],
  ['token revoke', "Missing required argument 'id'."],
  ['token revoke a b', /^Too many arguments for 'revoke'/],
  ['token create', "Required option '--name <name>' not specified."],
  [
    'token create --name x --role root',
    /^Option '--role <role>' argument 'root' is invalid. Allowed choices are .*admin\.$/,
  ],
  ['token create --name x --instances a,,b', /must be ids separated by commas/],
  ['token create --name x --permissions all', /'all' is invalid\. They are /],
  ['token create --name x --expires tomorrow', /must be a day/],
  ['token create --name x --expires 2026-13-01', /must be a day/],
  ['key rotate --name x', "Unknown option '--name'."],
  ['import', "Required option '--from <folder>' not specified."],
  ['recover', "Required option '--from <file>' not specified."],
  ['reconcile x --apply', /^Unknown option '--apply'/],
  ['reconcile', "Missing required argument 'destination'."],
  ['reconcile x --older-than-hours soon', /must be a whole number/],
  ['token list --remove', "Unknown option '--remove'."],
  ['--port 80', "Unknown option '--port'."],
] as const)('%j is refused', ([line, sentence]) => {
  expect(() => read(line)).toThrow(UsageError)
  expect(() => read(line)).toThrow(sentence)
})
