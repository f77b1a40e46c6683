import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  type AgentUnderTest,
  agentForAll,
  backupBody,
  basic,
  formOne,
  ofDatabase,
  restoreBody,
  until,
} from './agent-under-test.ts'

/**
 * The published protocol, a request and its answer a line, against three agents: `idle` knows nothing, `used` has a
 * backup "done" that succeeded and a backup "runs" that is running, `full` runs as many jobs as it may. The requests of
 * a line do not change what the next one meets, unless it says so.
 *
 * In bodies, GOOD is a whole request of the id "new"; GOOD without x is the same without that field.
 */
const unauthorised = '{"message":"Unauthorised."}'
const table: [
  agent: 'idle' | 'used' | 'full',
  request: string,
  body: string,
  status: number,
  answer: string | RegExp,
][] = [
  // Who calls
  ['idle', 'GET /status as nobody', '', 401, unauthorised],
  ['idle', 'GET /status as agent:wrong', '', 401, unauthorised],
  ['idle', 'POST /backup as nobody', '{broken', 401, unauthorised],
  ['idle', 'POST /backup as nobody', 'GOOD', 401, unauthorised],
  ['idle', 'PUT /restore as nobody', 'GOOD', 401, unauthorised],
  ['used', 'GET /backup/done as nobody', '', 401, unauthorised],
  ['used', 'GET /restore/none as nobody', '', 401, unauthorised],
  ['used', 'DELETE /backup as nobody', '{"id":"done"}', 401, unauthorised],
  ['used', 'DELETE /restore as nobody', '{"id":"none"}', 401, unauthorised],
  ['idle', 'GET /nowhere as nobody', '', 401, unauthorised],
  // The status
  ['idle', 'GET /status', '', 200, /^{"message":"Client is running",/],
  ['full', 'GET /status', '', 200, /^{"message":"Client is running",/],
  // What is not there
  ['idle', 'GET /backup/none', '', 404, ''],
  ['idle', 'GET /restore/none', '', 404, ''],
  ['used', 'GET /restore/done', '', 404, ''],
  ['idle', 'DELETE /backup', '{"id":"none"}', 410, ''],
  ['idle', 'DELETE /restore', '{"id":"none"}', 410, ''],
  ['used', 'DELETE /restore', '{"id":"done"}', 410, ''],
  ['idle', 'DELETE /backup', '{}', 400, /"error_message":"id is empty"/],
  ['idle', 'DELETE /backup', '', 400, /"error_message":"the body is not valid JSON"/],
  // What is there
  [
    'used',
    'GET /backup/done',
    '',
    200,
    /^{"status":"SUCCEEDED","message":"backup successfully carried out","state":"finished",/,
  ],
  ['used', 'GET /backup/runs', '', 200, /^{"status":"RUNNING","message":"backup is running","state":"backup",/],
  // Bodies that cannot be read, before anything else about them
  ['idle', 'POST /backup', '', 400, /"state":"Body Deserialization","error_message":"the body is not valid JSON"/],
  ['used', 'POST /backup', '{"id":"done"', 400, /"error_message":"the body is not valid JSON/],
  ['full', 'POST /backup', '[]', 400, /"error_message":"the body has the wrong type/],
  [
    'used',
    'POST /backup',
    '{"id":"done","compression":"true"}',
    400,
    /"error_message":"field compression has the wrong type/,
  ],
  // Then the id; then whether it is known, whatever else is missing
  ['full', 'POST /backup', '{}', 400, /"status":"FAILED","message":"Backup failed.",.*"error_message":"id is empty"/],
  ['full', 'PUT /restore', '{}', 400, /"status":"FAILED","message":"Restore failed.",.*"error_message":"id is empty"/],
  ['used', 'POST /backup', '{"id":"done"}', 409, /^{"status":"SUCCEEDED",.*"filename":"db-host_/],
  ['used', 'POST /backup', '{"id":"runs"}', 409, /^{"status":"RUNNING",/],
  ['full', 'POST /backup', '{"ID":"runs","destination":{"type":"nonsense"}}', 409, /^{"status":"RUNNING",/],
  // Then the type; then the fields, even where no job could start
  ['used', 'PUT /restore', '{"id":"done"}', 400, /"error_message":"type not supported/],
  ['full', 'POST /backup', '{"id":"new","destination":{"type":"s3"}}', 400, /"error_message":"type not supported/],
  [
    'full',
    'POST /backup',
    '{"id":"new","destination":{"type":"S3"}}',
    400,
    /"body is missing essential fields: encryption_key destination\( authKey authSecret bucket filenamePrefix\) backup\( database host password username\)"/,
  ],
  [
    'full',
    'PUT /restore',
    '{"id":"new","destination":{"type":"SWIFT"}}',
    400,
    /"body is missing essential fields: encryption_key destination\( authUrl domain container_name project_name username password filename\) restore\( database host password username\)"/,
  ],
  ['full', 'POST /backup', 'GOOD without encryption_key', 400, /"body is missing essential fields: encryption_key"/],
  ['full', 'POST /backup', 'GOOD without backup.host', 400, /"body is missing essential fields: backup\( host\)"/],
  [
    'full',
    'POST /backup',
    'GOOD without backup.database',
    400,
    /"body is missing essential fields: backup\( database\)"/,
  ],
  [
    'full',
    'POST /backup',
    'GOOD without backup.username',
    400,
    /"body is missing essential fields: backup\( username\)"/,
  ],
  [
    'full',
    'POST /backup',
    'GOOD without backup.password',
    400,
    /"body is missing essential fields: backup\( password\)"/,
  ],
  [
    'full',
    'PUT /restore',
    'GOOD without destination.filename',
    400,
    /"body is missing essential fields: destination\( filename\)"/,
  ],
  // Then the limit, which backups and restores share
  [
    'full',
    'POST /backup',
    'GOOD',
    429,
    /^{"message":"Failed to start a new job.","state":"Job reservation","code":"job_limit","error_message":"[^"]+"}$/,
  ],
  [
    'full',
    'PUT /restore',
    'GOOD',
    429,
    /^{"message":"Failed to start a new job.","state":"Job reservation","code":"job_limit","error_message":"[^"]+"}$/,
  ],
  // A request that was refused has not burnt its id
  ['full', 'GET /backup/new', '', 404, ''],
  ['full', 'GET /restore/new', '', 404, ''],
  // Accepted; then known, to its own kind alone; then deleted, and not started again
  ['idle', 'POST /backup', 'GOOD', 201, ''],
  ['idle', 'POST /backup', 'GOOD', 409, /^{"status":"(RUNNING|SUCCEEDED)",/],
  ['idle', 'PUT /restore', 'GOOD', 201, ''],
  ['idle', 'PUT /restore', 'GOOD', 409, /^{"status":"(RUNNING|FAILED)","message":"restore /],
  ['used', 'DELETE /backup', '{"Id":"done"}', 200, ''],
  ['used', 'GET /backup/done', '', 404, ''],
  ['used', 'DELETE /backup', '{"id":"done"}', 410, ''],
  ['used', 'DELETE /backup', '{"id":"new"}', 410, ''],
  ['used', 'POST /backup', 'GOOD', 410, /"state":"Job reservation","error_message":"the job was cancelled or deleted/],
]

const agents: Partial<Record<'idle' | 'used' | 'full', { under: AgentUnderTest; end(): Promise<void> }>> = {}
beforeAll(async () => {
  const holding = formOne({
    backup: 'case "$6" in runs) sleep 1000;; esac\nprintf dump > "$BACKUP_DIRECTORY/$5.tar.gz"\n',
  })
  agents.idle = await agentForAll(formOne())
  agents.used = await agentForAll(holding)
  agents.full = await agentForAll(holding, { max_job_number: '1', reserved_restore_number: '0' })
  const { used, full } = agents
  await used.under.call('POST', '/backup', backupBody(used.under, 'done'))
  await used.under.over('backup', 'done')
  for (const { under } of [used, full]) {
    await under.call('POST', '/backup', ofDatabase(backupBody(under, 'runs'), 'other'))
    await until(async () => (await under.call('GET', '/backup/runs')).json.state === 'backup', 'the script runs')
  }
})
afterAll(async () => {
  for (const agent of Object.values(agents)) await agent.end()
})

/** The text of a body as the table writes it. */
function bodyOf(written: string, kind: string, under: AgentUnderTest): string | undefined {
  if (written === '') return kind === 'GET' ? undefined : ''
  if (!written.startsWith('GOOD')) return written
  const good: Record<string, unknown> =
    kind === 'restore' ? ofDatabase(restoreBody(under, 'new', { filename: 'none' }), 'db2') : backupBody(under, 'new')
  const [, path] = written.split(' without ')
  const names = path?.split('.') ?? []
  const last = names.pop()
  const place = names.reduce((object, name) => object[name] as Record<string, unknown>, good)
  if (last !== undefined) delete place[last]
  return JSON.stringify(good)
}

test.each(table)('%s: %s %s -> %i', async (name, line, written, status, answer) => {
  const under = agents[name]?.under
  if (under === undefined) throw new Error('the agents did not start')
  const [request = '', who] = line.split(' as ')
  const [method = '', path = ''] = request.split(' ')
  const [username = '', password = ''] = who?.split(':') ?? []
  const headers: Record<string, string> =
    who === undefined ? {} : { authorization: who === 'nobody' ? '' : basic(username, password) }
  const kind = method === 'GET' ? 'GET' : path.slice(1)
  const got = await under.call(method, path, bodyOf(written, kind, under), headers)
  expect(got.status).toBe(status)
  if (typeof answer === 'string') expect(got.text).toBe(answer)
  else expect(got.text).toMatch(answer)
})

/** A request as the Java manager writes it: its own fields beside the protocol's, nulls, and keys in their Java case. */
const javaRequest = (bucket: string) => `{
  "id": "5f1d7ae04cedfd0001a1b2c30",
  "compression": true,
  "encryption_key": "none",
  "destination": {
    "id": "5f1d7ae04cedfd0001a1b2c4", "name": "nightly", "serviceInstance": {"id": "8a7c", "context": null},
    "type": "S3", "endpoint": "${inject('lab').s3.endpoint}", "region": "", "bucket": "${bucket}",
    "authKey": "k", "authSecret": "s", "skipSSL": true, "filenamePrefix": "5f1d7ae04cedfd0001a1b2c5/",
    "authUrl": null, "domain": null, "container_name": null, "project_name": null, "username": null, "password": null
  },
  "backup": {
    "serviceInstance": {"id": "8a7c", "hosts": [{"name": "h", "ip": "10.0.0.5", "port": 5432, "backup": true}]},
    "host": "10.0.0.5", "port": 5432, "username": "backup", "password": "database-pw-1",
    "backupUsername": null, "backupPassword": null, "database": "db1", "type": "AGENT",
    "parameters": [{"key": "value"}, {"retries": 1000000}, {"ratio": 0.10}, {"dry": false}]
  }
}`

/** A request with the fields, the order and the spelling of the Go agent's README: "user", no prefix, all types' fields. */
const readmeRequest = (kind: 'backup' | 'restore') => `{
    "id" : "778f038c-e1c5-11e8-9f32-f2801f1b9fd1",
    "compression" : true,
    "encryption_key" : "example-encryption-key",
    "destination" : {
        "type": "S3",
        ${kind === 'restore' ? '"filename": "filename",' : ''}
        "bucket": "bucketName",
        "region": "regionName",
        "authKey": "key",
        "authSecret": "secret",
        "authUrl" : "auth url",
        "domain" : "domain name",
        "container_name" : "name of the container",
        "project_name" : "name of the project == tenant",
        "username" : "swift username",
        "password" : "swift API key"
    },
    "${kind}" : {
        "host": "host",
        "user": "user",
        "password": "password",
        "database": "database name",
        "parameters": [
            { "key": "arbitraryValue" },
            { "retries": 2}
        ]
    }
}`

const told =
  'echo "$BACKUP_USERNAME/$BACKUP_PASSWORD@$BACKUP_HOST:$BACKUP_PORT/$BACKUP_DATABASE $key $retries $ratio $dry" > "$(dirname "$0")/../told"\n'

test('a backup as the Java manager asks for it is served', async () => {
  const { under, end } = await agentForAll(formOne({ 'pre-backup-lock': told }))
  expect(await under.call('POST', '/backup', javaRequest('no-such-bucket'))).toMatchObject({ status: 201, text: '' })
  const job = await under.over('backup', '5f1d7ae04cedfd0001a1b2c30')
  expect(await under.read('told')).toBe('backup/database-pw-1@10.0.0.5:5432/db1 value 1000000 0.10 false\n')
  const [, , line = ''] = (await under.read('stages')).split('\n')
  expect(line).toMatch(/^backup 10\.0\.0\.5 backup database-pw-1 db1 \S+_db1 5f1d7ae04cedfd0001a1b2c30 true none$/)
  expect(job).toMatchObject({ type: 'S3', bucket: 'no-such-bucket', compression: true, failed_stage: 'upload' })
  expect(job).not.toHaveProperty('region')
  await end()
})

test.each(['backup', 'restore'] as const)('a %s as the README of the Go agent shows it is served', async (kind) => {
  const { under, end } = await agentForAll(formOne({ [`pre-${kind}-lock`]: `${told}exit 1\n` }))
  const method = kind === 'backup' ? 'POST' : 'PUT'
  expect(await under.call(method, `/${kind}`, readmeRequest(kind))).toMatchObject({ status: 201, text: '' })
  await under.over(kind, '778f038c-e1c5-11e8-9f32-f2801f1b9fd1')
  expect(await under.read('told')).toBe('user/password@host:/database name arbitraryValue 2  \n')
  await end()
})
