import { expect, test } from 'vitest'
import { type AgentUnderTest, agentWith, backupBody, formOne, restoreBody, stagesRun } from './agent-under-test.ts'
import { backupLogs, restoreLogs, s3, withDatabase } from './contract-bodies.ts'

/** Requests that are refused, with the message; `{}` is the good request with those fields changed. */
const refusals: [what: string, body: (under: AgentUnderTest) => unknown, message: string | RegExp][] = [
  ['an empty body', () => '', 'the body is not valid JSON'],
  ['broken JSON', () => '{"id":"x","backup":{"password":"hunter2', /^the body is not valid JSON( at position \d+)?$/],
  ['an array', () => '[]', /the body has the wrong type/],
  ['no id', () => ({}), 'id is empty'],
  ['an empty id', () => ({ id: '' }), 'id is empty'],
  ['an id of another type', () => ({ id: 7 }), /field id has the wrong type/],
  [
    'a path for the name of the object',
    (u) => backupBody(u, 'x', { object_name: '../x' }),
    'object_name must not contain a slash or backslash',
  ],
  ['compression as text', (u) => backupBody(u, 'x', { compression: 'true' }), /field compression has the wrong type/],
  ['no destination', () => ({ id: 'x' }), /type not supported/],
  ['an unknown type of destination', () => ({ id: 'x', destination: { type: 's3' } }), /type not supported/],
  [
    'nothing but an S3 type',
    () => ({ id: 'x', destination: { type: 'S3' } }),
    'body is missing essential fields: encryption_key destination( authKey authSecret bucket filenamePrefix) backup( database host password username)',
  ],
  [
    'nothing but a SWIFT type',
    () => ({ id: 'x', destination: { type: 'SWIFT' } }),
    'body is missing essential fields: encryption_key destination( authUrl domain container_name project_name username password) backup( database host password username)',
  ],
  [
    'empty fields',
    (u) => backupBody(u, 'x', { encryption_key: '', destination: { ...s3, bucket: '' } }),
    'body is missing essential fields: encryption_key destination( bucket)',
  ],
  ['an id that climbs', (u) => backupBody(u, '../x'), /^id must not contain a slash/],
  ['the id ..', (u) => backupBody(u, '..'), /^id must not be/],
  ['an id that is an option', (u) => backupBody(u, '-rf'), /^id must not begin with a dash/],
  ['an id with a line break', (u) => backupBody(u, 'a\nb'), /^id must not contain control/],
  ['an id that is too long', (u) => backupBody(u, 'x'.repeat(256)), /^id must not be longer/],
  [
    'a database that climbs',
    (u) => withDatabase(u, { database: '../../etc' }),
    /^backup.database must not contain a slash/,
  ],
  ['a host with NUL', (u) => withDatabase(u, { host: 'a\0b' }), /^backup.host must not contain control/],
  ['a password with NUL', (u) => withDatabase(u, { password: 'a\0b' }), /^backup.password must not contain NUL/],
  [
    'names that make a file name too long',
    (u) => withDatabase(u, { host: 'h'.repeat(150), database: 'd'.repeat(150) }),
    /^host and database make/,
  ],
  [
    'a prefix that climbs',
    (u) => withDestination(u, { filenamePrefix: 'a/../b/' }),
    /^destination.filenamePrefix must not/,
  ],
  [
    'an absolute prefix',
    (u) => withDestination(u, { filenamePrefix: '/etc/' }),
    /^destination.filenamePrefix must not/,
  ],
  [
    'a directory that is not there',
    (u) => withDestination(u, { directory: `${u.bucket}/none` }),
    /^destination.directory \S+\/none does not exist: make it on the agent's machine, or correct the destination$/,
  ],
  [
    'a directory below a file',
    (u) => withDestination(u, { directory: `${u.scripts}/backup/x` }),
    /^destination.directory \S+\/backup\/x leads through a file: correct the destination$/,
  ],
  [
    'a directory outside of the root',
    (u) => withDestination(u, { directory: '/etc' }),
    /is outside of file_destination_root/,
  ],
  [
    'a directory that climbs out',
    (u) => withDestination(u, { directory: `${u.bucket}/../..` }),
    /is outside of file_destination_root/,
  ],
  ...[
    'PATH',
    'BASH_ENV',
    'ENV',
    'IFS',
    'LD_PRELOAD',
    'BASH_FUNC_ls%%',
    'SHELLOPTS',
    'HOME',
    'PS4',
    'TAR_OPTIONS',
    'LANG',
    'BACKUP_PASSWORD',
  ].map((name): [string, (under: AgentUnderTest) => unknown, RegExp] => [
    `the parameter ${name}`,
    (u) => withDatabase(u, { parameters: [{ [name]: '/tmp/x' }] }),
    /^parameter "[^"]+" is rejected/,
  ]),
  ['a nested parameter', (u) => withDatabase(u, { parameters: [{ a: { b: 1 } }] }), /^parameter "a" must be text/],
  [
    'parameters that are no array',
    (u) => withDatabase(u, { parameters: { a: 1 } }),
    /field backup.parameters has the wrong type/,
  ],
]

const withDestination = (under: AgentUnderTest, changes: object) => {
  const body = backupBody(under, 'x')
  return { ...body, destination: { ...body.destination, ...changes } }
}

test.each(refusals)('%s is rejected with a failure object, and the id stays free', async (_what, body, message) => {
  const under = await agentWith(formOne())
  const { status, json } = await under.call('POST', '/backup', body(under))
  expect(status).toBe(400)
  expect(json).toEqual({
    status: 'FAILED',
    message: 'Backup failed.',
    state: 'Body Deserialization',
    error_message: expect.stringMatching(message instanceof RegExp ? message : /./),
    type: '',
    compression: false,
    skip_storage: false,
    skipSSL: false,
    filenamePrefix: '',
    filename: '',
    filesize: { size: 0, unit: 'byte' },
    start_time: '',
    end_time: '',
    execution_time_ms: 0,
    ...backupLogs,
  })
  if (typeof message === 'string') expect(json.error_message).toBe(message)
  expect(JSON.stringify(json)).not.toContain('hunter2')
  expect(await under.call('GET', '/backup/x')).toMatchObject({ status: 404 })
  expect(await stagesRun(under)).toEqual([])
})

test('a restore names its own missing fields', async () => {
  const under = await agentWith(formOne())
  const { status, json } = await under.call('PUT', '/restore', { id: 'x', destination: { type: 'S3' } })
  expect(status).toBe(400)
  expect(json).toMatchObject({ status: 'FAILED', message: 'Restore failed.', ...restoreLogs })
  expect(json).not.toHaveProperty('filename')
  expect(json.error_message).toBe(
    'body is missing essential fields: encryption_key destination( authKey authSecret bucket filename filenamePrefix) restore( database host password username)',
  )
  const climbing = restoreBody(under, 'x', { filename: '../secret' })
  expect((await under.call('PUT', '/restore', climbing)).json.error_message).toMatch(
    /^destination.filename must not contain/,
  )
})
