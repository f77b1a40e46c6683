import { connect } from 'node:net'
import { expect, test } from 'vitest'
import {
  type AgentUnderTest,
  agentWith,
  backupBody,
  basic,
  credentials,
  formOne,
  ofDatabase,
  restoreBody,
  stagesRun,
  until,
} from './agent-under-test.ts'

const logs = (stages: string[]) =>
  Object.fromEntries(
    stages.flatMap((stage) => [
      [`${stage}_log`, ''],
      [`${stage}_errorlog`, ''],
    ]),
  )
const backupLogs = logs(['pre_backup_lock', 'pre_backup_check', 'backup', 'backup_cleanup', 'post_backup_unlock'])
const restoreLogs = logs(['pre_restore_lock', 'restore', 'restore_cleanup', 'post_restore_unlock'])

const s3 = {
  type: 'S3',
  endpoint: 'http://127.0.0.1:1',
  region: '',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's',
  filenamePrefix: 'p/',
}

test('every call wants credentials, and says so in the published words', async () => {
  const under = await agentWith(formOne())
  const calls = [
    ['GET', '/status'],
    ['POST', '/backup'],
    ['PUT', '/restore'],
    ['GET', '/backup/x'],
    ['GET', '/restore/x'],
    ['DELETE', '/backup'],
    ['DELETE', '/restore'],
    ['GET', '/nothing'],
  ] as const
  const wrong = [
    '',
    'Bearer x',
    'Basic',
    'Basic !!!',
    basic(credentials.username, ''),
    basic(credentials.username, `${credentials.password}x`),
    basic('', credentials.password),
  ]
  for (const [method, path] of calls) {
    for (const authorization of wrong) {
      const body = method === 'GET' ? undefined : '{not json'
      expect(await under.call(method, path, body, { authorization })).toEqual({
        status: 401,
        text: '{"message":"Unauthorised."}',
        json: { message: 'Unauthorised.' },
      })
    }
  }
})

test('the status says that the agent runs, and its capabilities', async () => {
  const under = await agentWith(formOne())
  const { status, json } = await under.call('GET', '/status')
  expect(status).toBe(200)
  expect(json).toMatchObject({ message: 'Client is running', scripts: { form: 1 } })
  expect(json.capabilities).toContain('cancel')
})

test('unknown jobs are 404 without a body, deleting them 410', async () => {
  const under = await agentWith(formOne())
  for (const kind of ['backup', 'restore']) {
    expect(await under.call('GET', `/${kind}/nobody`)).toMatchObject({ status: 404, text: '' })
    expect(await under.call('DELETE', `/${kind}`, { id: 'nobody' })).toMatchObject({ status: 410, text: '' })
    expect(await under.call('DELETE', `/${kind}`, {})).toMatchObject({ status: 400 })
  }
})

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
  ['a type of destination that nobody knows', () => ({ id: 'x', destination: { type: 's3' } }), /type not supported/],
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

const withDatabase = (under: AgentUnderTest, changes: object) => {
  const body = backupBody(under, 'x')
  return { ...body, backup: { ...body.backup, ...changes } }
}
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

test('an S3 destination without a prefix is accepted: older managers send none', async () => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'exit 1\n' }))
  const { filenamePrefix: _none, ...destination } = s3
  expect(await under.call('POST', '/backup', { ...backupBody(under, 'x'), destination })).toMatchObject({ status: 201 })
  expect(await under.over('backup', 'x')).toMatchObject({ type: 'S3', bucket: 'b' })
})

test('keys are read in any case, null is absent, unknown keys do not matter, and any content type will do', async () => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'echo "$KeptCase"; exit 1\n' }))
  const body = {
    ID: 'x',
    Compression: null,
    ENCRYPTION_KEY: 'none',
    unknown: { deep: [1] },
    Destination: { TYPE: 'FILE', Directory: under.bucket, filenameprefix: 'p/', later: 1 },
    BACKUP: {
      HOST: 'h',
      UserName: 'u',
      PASSWORD: 'p-word-1',
      Database: 'd',
      Parameters: [{ KeptCase: 'kept' }],
      serviceInstance: { id: 1 },
    },
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await under.call('POST', '/backup', body, headers)).toMatchObject({ status: 201 })
  expect(await under.over('backup', 'x')).toMatchObject({ compression: false, pre_backup_lock_log: 'kept\n' })
})

test('parameters may be null', async () => {
  const under = await agentWith(formOne())
  expect(await under.call('POST', '/backup', withDatabase(under, { parameters: null }))).toMatchObject({ status: 201 })
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED' })
})

test('a known id is a conflict with the whole job, even if the rest of the body is missing; kinds are apart', async () => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'exit 1\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const job = await under.over('backup', 'x')
  expect(await under.call('POST', '/backup', { id: 'x' })).toMatchObject({ status: 409, json: job })
  expect(await under.call('PUT', '/restore', { id: 'x' })).toMatchObject({ status: 400 })
  expect(await under.call('DELETE', '/backup', { Id: 'x' })).toMatchObject({ status: 200, text: '' })
  expect(await under.call('POST', '/backup', backupBody(under, 'x'))).toMatchObject({ status: 201 })
})

test('posts of one id at the same time start one job', async () => {
  const under = await agentWith(formOne())
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => under.call('POST', '/backup', backupBody(under, 'x'))),
  )
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
  await under.over('backup', 'x')
  expect((await stagesRun(under)).filter((stage) => stage === 'backup')).toHaveLength(1)
})

test('backups and restores share the limit; missing fields come before it', async () => {
  const under = await agentWith(formOne({ 'pre-restore-lock': 'sleep 30\n' }), { max_job_number: '1' })
  const restore = restoreBody(under, 'r', { filename: 'f' })
  expect(await under.call('PUT', '/restore', restore)).toMatchObject({ status: 201 })
  const { status, json } = await under.call('POST', '/backup', ofDatabase(backupBody(under, 'x'), 'db2'))
  expect(status).toBe(429)
  expect(json).toEqual({
    message: 'Failed to start a new job.',
    state: 'Job reservation',
    code: 'job_limit',
    error_message: expect.stringContaining('limit of 1 running'),
  })
  expect(await under.call('POST', '/backup', { id: 'x', destination: { type: 'S3' } })).toMatchObject({ status: 400 })
  expect(await under.call('PUT', '/restore', restore)).toMatchObject({ status: 409 })
  await under.call('DELETE', '/restore', { id: 'r' })
  await until(async () => (await under.call('GET', '/restore/r')).status === 404, 'the restore was cancelled')
  expect(await under.call('POST', '/backup', backupBody(under, 'x'))).toMatchObject({ status: 201 })
})

test('a restore is accepted although backups take every slot, up to the number that is reserved', async () => {
  const scripts = formOne({ 'pre-backup-lock': 'sleep 30\n', 'pre-restore-lock': 'sleep 30\n' })
  const under = await agentWith(scripts, { max_job_number: '1', reserved_restore_number: '1' })
  const start = async (kind: 'backup' | 'restore', database: string) => {
    const backup = backupBody(under, database)
    const restore = restoreBody(under, database, { filename: 'f' })
    const answer =
      kind === 'backup'
        ? await under.call('POST', '/backup', { ...backup, backup: { ...backup.backup, database } })
        : await under.call('PUT', '/restore', { ...restore, restore: { ...restore.restore, database } })
    return answer.status
  }
  expect(await start('backup', 'a')).toBe(201)
  expect(await start('backup', 'b')).toBe(429)
  expect(await start('restore', 'c')).toBe(201)
  expect(await start('restore', 'd')).toBe(429)
})

test('a running job shows its stage, and the logs of the stages that are over', async () => {
  const under = await agentWith(
    formOne({ 'pre-backup-lock': 'echo locked; echo careful >&2\n', 'pre-backup-check': 'echo now\nsleep 30\n' }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  await until(async () => (await stagesRun(under)).length === 2, 'the second stage runs')
  const { json } = await under.call('GET', '/backup/x')
  expect(json).toMatchObject({
    status: 'RUNNING',
    message: 'backup is running',
    state: 'pre-backup-check',
    filename: '',
    filesize: { size: 0, unit: 'byte' },
    end_time: '',
    execution_time_ms: 0,
    ...backupLogs,
    pre_backup_lock_log: 'locked\n',
    pre_backup_lock_errorlog: 'careful\n',
  })
})

test('a body that is too large is rejected before it is read to its end', async () => {
  const under = await agentWith(formOne())
  expect(await under.call('POST', '/backup', { id: 'x', pad: 'x'.repeat(1024 * 1024) })).toMatchObject({ status: 413 })
})

test('a broken request line does not hurt the agent', async () => {
  const under = await agentWith(formOne())
  const socket = connect(under.agent.port, '127.0.0.1')
  socket.end('GARBAGE\r\n\r\n')
  await new Promise((resolve) => socket.resume().on('close', resolve))
  expect(await under.call('GET', '/status')).toMatchObject({ status: 200 })
})

test('a path that is no URL wants credentials too', async () => {
  const under = await agentWith(formOne())
  expect(await under.call('GET', '/backup/%zz', undefined, { authorization: '' })).toMatchObject({ status: 401 })
  expect(await under.call('GET', '/backup/%zz')).toMatchObject({ status: 404 })
})
