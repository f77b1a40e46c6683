import { connect } from 'node:net'
import { expect, test } from 'vitest'
import {
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
import { backupLogs, s3, withDatabase } from './contract-bodies.ts'

test('every call requires credentials, and says so in the published words', async () => {
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
  // Fewer than an address may fail in a row: every call without credentials, and one call with all that are wrong.
  const attempts = [
    ...calls.map(([method, path]) => [method, path, ''] as const),
    ...wrong.map((authorization) => ['GET', '/status', authorization] as const),
  ]
  for (const [method, path, authorization] of attempts) {
    const body = method === 'GET' ? undefined : '{not json'
    expect(await under.call(method, path, body, { authorization })).toEqual({
      status: 401,
      text: '{"message":"Unauthorised."}',
      json: { message: 'Unauthorised.' },
    })
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

test('a job that was cancelled or deleted does not start, whenever the request to start it arrives', async () => {
  const under = await agentWith(formOne())
  for (const [id, body] of [
    ['cancelled', { id: 'cancelled', keep_result: true }],
    ['deleted', { id: 'deleted' }],
  ] as const) {
    expect((await under.call('DELETE', '/backup', body)).status).toBe(410)
    expect((await under.call('POST', '/backup', backupBody(under, id))).status).toBe(410)
    expect((await under.call('GET', `/backup/${id}`)).status).toBe(404)
    // Ids of restores are others.
    expect((await under.call('PUT', '/restore', restoreBody(under, id, { filename: 'none' }))).status).toBe(201)
    await under.over('restore', id)
  }
  expect((await under.call('POST', '/backup', backupBody(under, 'over'))).status).toBe(201)
  await under.over('backup', 'over')
  expect((await under.call('DELETE', '/backup', { id: 'over' })).status).toBe(200)
  expect((await under.call('POST', '/backup', backupBody(under, 'over'))).status).toBe(410)
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
  expect(await under.call('POST', '/backup', backupBody(under, 'x'))).toMatchObject({ status: 410 })
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

test('a restore is accepted although backups occupy every slot, up to the number that is reserved', async () => {
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

test('a path that is no URL requires credentials too', async () => {
  const under = await agentWith(formOne())
  expect(await under.call('GET', '/backup/%zz', undefined, { authorization: '' })).toMatchObject({ status: 401 })
  expect(await under.call('GET', '/backup/%zz')).toMatchObject({ status: 404 })
})
