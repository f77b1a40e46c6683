import { type ManagerProcess, makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const instanceBody = {
  service_id: 'sd-1',
  hosts: [{ name: 'postgres0', ip: '10.0.0.5', port: '5432', backup: 'true' }],
  username: 'backup',
  password: 'database-secret',
  agent: { url: 'http://127.0.0.1:9/', username: 'agent', password: 'agent-secret' },
  somethingUnknown: [1, 2],
}
const serviceInstance = { service_instance_id: 'i-1' }
let stack: AsyncDisposableStack
let manager: ManagerProcess
let destinationId = ''

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  manager = await startManagerProcess({ DATA_DIR: folder.path, FILE_DESTINATION_ROOT: folder.path })
  stack.defer(() => manager.stop())
  expect((await call('PUT', '/serviceInstances/i-1', instanceBody)).status).toBe(201)
  const { body } = await call('POST', '/fileDestinations', { ...s3, serviceInstance })
  destinationId = body.id
})

afterAll(() => stack.disposeAsync())

const s3 = {
  type: 'S3',
  name: 'minio',
  endpoint: 'http://127.0.0.1:9',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's3-secret',
}
const plan = (fields: object = {}) => ({
  name: `plan ${Math.random()}`,
  serviceInstance,
  fileDestination: { id: destinationId },
  frequency: '0 0 2 * * *',
  timezone: 'Europe/Berlin',
  retentionStyle: 'FILES',
  retentionPeriod: '7',
  items: ['db1'],
  ...fields,
})

/** A call as any client makes it: nothing of the typed client's help. */
async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      authorization: `Bearer ${TEST_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    type,
    text,
    body: type.includes('json') ? JSON.parse(text) : undefined,
  }
}

describe('access', () => {
  test.for([
    ['no token', {}],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a foreign token', { authorization: 'Bearer osbb_0000000000000000000000000000' }],
    ['the token as Basic', { authorization: `Basic ${Buffer.from(`admin:${TEST_TOKEN}`).toString('base64')}` }],
  ] as const)('%s opens nothing', async ([, headers]) => {
    for (const [method, path] of [
      ['GET', '/serviceInstances'],
      ['PUT', '/serviceInstances/i-1'],
      ['GET', '/backupPlans/byInstance/i-1'],
      ['POST', '/backup'],
      ['POST', '/restore'],
      ['DELETE', '/backupJobs/byInstance/i-1'],
      ['GET', '/nowhere'],
    ] as const) {
      const response = await fetch(manager.url + path, { method, headers })
      expect([path, response.status]).toEqual([path, 401])
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    }
  })
})

describe('service instances', () => {
  test('read leniently, answered without database credentials and with a masked password', async () => {
    expect((await call('GET', '/serviceInstances/i-1')).body).toEqual({
      service_instance_id: 'i-1',
      service_id: 'sd-1',
      parameters: {},
      hosts: [{ name: 'postgres0', ip: '10.0.0.5', port: 5432, backup: true }],
      agent: { url: 'http://127.0.0.1:9', username: 'agent', password: '***' },
    })
  })

  test('an answer can be sent back as it is', async () => {
    const { body } = await call('GET', '/serviceInstances/i-1')
    expect((await call('PUT', '/serviceInstances/i-1', body)).status).toBe(200)
  })

  test.for([
    [{ hosts: [] }, 'hosts'],
    [
      {
        hosts: [
          { ip: 'a', port: 1 },
          { ip: 'b', port: 2 },
        ],
      },
      'hosts',
    ],
    [{ hosts: [{ ip: 'a', port: 99_999 }] }, 'hosts.0.port'],
    [{ agent: { ...instanceBody.agent, url: 'ftp://x' } }, 'agent.url'],
    [{ agent: { ...instanceBody.agent, url: 'http://user:pw@host' } }, 'agent.url'],
    [{ agent: undefined }, 'agent'],
    [{ service_instance_id: 'another' }, 'service_instance_id'],
  ] as const)('%j is refused with the field %s', async ([fields, field]) => {
    const { status, type, body } = await call('PUT', '/serviceInstances/new', { ...instanceBody, ...fields })
    expect({ status, type, field: body.field }).toEqual({ status: 400, type: 'application/problem+json', field })
  })

  test('a masked password of the agent does not follow to another URL', async () => {
    const { body } = await call('GET', '/serviceInstances/i-1')
    const moved = { ...body, agent: { ...body.agent, url: 'http://127.0.0.1:10' } }
    const { status, body: problem } = await call('PUT', '/serviceInstances/i-1', moved)
    expect({ status, field: problem.field }).toEqual({ status: 400, field: 'agent.password' })
  })

  test('is not deleted while it has plans', async () => {
    await call('PUT', '/serviceInstances/i-2', instanceBody)
    const other = { service_instance_id: 'i-2' }
    const { body: destination } = await call('POST', '/fileDestinations', { ...s3, serviceInstance: other })
    const made = await call(
      'POST',
      '/backupPlans',
      plan({ serviceInstance: other, fileDestination: { id: destination.id } }),
    )
    expect((await call('DELETE', '/serviceInstances/i-2')).status).toBe(409)
    expect((await call('DELETE', `/fileDestinations/${destination.id}`)).status).toBe(409)
    expect((await call('DELETE', `/backupPlans/${made.body.id}`)).body.id).toBe(made.body.id)
    expect((await call('DELETE', `/fileDestinations/${destination.id}`)).status).toBe(204)
    expect((await call('DELETE', '/serviceInstances/i-2')).status).toBe(204)
    expect((await call('GET', '/serviceInstances/i-2')).status).toBe(404)
  })
})

describe('file destinations', () => {
  test('carry their id twice and their secret masked, and keep it when it comes back so', async () => {
    const { body } = await call('GET', `/fileDestinations/${destinationId}`)
    expect(body).toMatchObject({
      type: 'S3',
      idAsString: body.id,
      authKey: 'k',
      authSecret: '***',
      region: '',
      skipSSL: false,
    })
    const { status, body: changed } = await call('PATCH', `/fileDestinations/${destinationId}`, {
      ...body,
      name: 'renamed',
    })
    expect({ status, name: changed.name }).toEqual({ status: 200, name: 'renamed' })
  })

  test('a password of Swift does not follow to another authUrl, nor to whoever a wider trust lets in', async () => {
    const swift = {
      type: 'SWIFT',
      name: 'swift',
      serviceInstance,
      username: 'u',
      password: 'p',
      authUrl: 'http://127.0.0.1:9/v3',
      domain: 'default',
      container_name: 'c',
      project_name: 'p',
    }
    const { body } = await call('POST', '/fileDestinations', swift)
    const moved = await call('PATCH', `/fileDestinations/${body.id}`, { ...body, authUrl: 'http://127.0.0.1:10/v3' })
    expect({ status: moved.status, field: moved.body.field }).toEqual({ status: 400, field: 'password' })
    const path = `/fileDestinations/${body.id}`
    for (const trust of [{ insecureTls: true }, { caCertificate: 'mine' }]) {
      expect((await call('PATCH', path, { ...body, ...trust })).body.field).toBe('password')
      expect((await call('PATCH', path, { ...body, ...trust, password: 'known' })).status).toBe(200)
      expect((await call('PATCH', path, { ...body, ...trust })).status).toBe(200)
      expect((await call('PATCH', path, { ...body, insecureTls: false, caCertificate: '' })).status).toBe(200)
    }
  })

  test.for([['/etc'], ['/tmp/../etc'], ['relative']])('directory %s is refused', async ([directory]) => {
    const { status, body } = await call('POST', '/fileDestinations', {
      type: 'FILE',
      name: 'f',
      serviceInstance,
      directory,
    })
    expect({ status, field: body.field }).toEqual({ status: 400, field: 'directory' })
  })

  test('what is unknown answers 404, what is malformed 400', async () => {
    expect((await call('GET', '/fileDestinations/nothing')).status).toBe(404)
    expect((await call('DELETE', '/fileDestinations/nothing')).status).toBe(404)
    expect(
      (await call('DELETE', '/fileDestinations/nothing', undefined, { 'content-type': 'application/json' })).status,
    ).toBe(404)
    expect((await call('POST', '/fileDestinations', { ...s3, serviceInstance, type: 's3' })).status).toBe(400)
    expect(
      (await call('POST', '/fileDestinations', { ...s3, serviceInstance: { service_instance_id: 'none' } })).body
        .detail,
    ).toBe('There is no service instance "none".')
  })
})

describe('backup plans', () => {
  test('are whole in an answer, with "none" for keys that are not set', async () => {
    const { status, body } = await call('POST', '/backupPlans', plan({ paused: 'true' }))
    expect(status).toBe(201)
    expect(body).toMatchObject({
      idAsString: body.id,
      serviceInstance,
      fileDestination: { id: destinationId, authSecret: '***' },
      paused: true,
      compression: true,
      retentionPeriod: 7,
      privateKey: 'none',
      publicKey: 'none',
    })
    const kept = await call('PATCH', `/backupPlans/${body.id}`, { ...body, privateKey: 'mine', items: ['db1', 'db2'] })
    expect(kept.body).toMatchObject({ privateKey: '***', items: ['db1', 'db2'], paused: true })
    expect((await call('GET', `/backupPlans/${body.id}`)).body).toEqual(kept.body)
  })

  test.for([
    [{ frequency: 'whenever' }, 'frequency', /is not a cron expression/],
    [{ frequency: '0 */10 * * * *' }, 'frequency', /runs every 600 seconds; at least 3600/],
    [{ frequency: '0 0 0 30 2 *' }, 'frequency', /never comes due/],
    [{ timezone: 'Middle/Earth' }, 'timezone', /is not known/],
    [{ retentionPeriod: 0 }, 'retentionPeriod', /./],
    [{ items: [] }, 'items', /./],
    [{ items: ['a', 'a'] }, 'items', /twice/],
    [{ items: ['a/b'] }, 'items.0', /slash/],
    [{ items: ['-rf'] }, 'items.0', /dash/],
    [{ items: ['__proto__'] }, 'items.0', /can be backed up/],
    [{ fileDestination: { id: 'nothing' } }, 'fileDestination.id', /has no file destination/],
  ] as const)('%j is refused', async ([fields, field, sentence]) => {
    const { status, body } = await call('POST', '/backupPlans', plan(fields))
    expect({ status, field: body.field }).toEqual({ status: 400, field })
    expect(body.detail).toMatch(sentence)
  })

  test('can be tried without being made: the next ten runs, on the clocks of the zone', async () => {
    const ask = (fields: object) => call('POST', '/backupPlans/preview', fields)
    const { status, body } = await ask({ frequency: '0 30 2 * * *', timezone: 'Europe/Berlin' })
    expect({ status, timezone: body.timezone, runs: body.runs.length }).toEqual({
      status: 200,
      timezone: 'Europe/Berlin',
      runs: 10,
    })
    for (const run of body.runs) expect(run).toMatch(/^\d{4}-\d\d-\d\dT0[23]:[03]0:00\+0[12]:00$/)
    expect(body.runs.map((run: string) => Date.parse(run))).toEqual(
      body.runs.map((run: string) => Date.parse(run)).toSorted((a: number, b: number) => a - b),
    )
    const { body: made } = await call('POST', '/backupPlans', plan({ timezone: 'Asia/Tokyo' }))
    expect((await ask({ id: made.id, frequency: '@weekly' })).body).toMatchObject({
      timezone: 'Asia/Tokyo',
      shortestIntervalSeconds: 604_800,
      runs: expect.arrayContaining([expect.stringMatching(/T00:00:00\+09:00$/)]),
    })
    const daily = { frequency: '@daily', retentionStyle: 'FILES', retentionPeriod: 3 }
    const kept = (await ask(daily)).body
    expect(kept.runsKept).toEqual(kept.runs.slice(-3))
    expect(kept.restorePoints).toBeUndefined()
    expect((await ask({ ...daily, id: made.id })).body.restorePoints).toEqual([])
    expect((await ask({ frequency: '0 0 2 * 13 *' })).body).toMatchObject({
      field: 'frequency',
      detail: expect.stringContaining('at character 9, month "13": it takes 1 to 12'),
    })
    expect((await ask({ id: 'nothing', frequency: '@daily' })).status).toBe(404)
  })

  test('a name is taken once in an instance', async () => {
    await call('POST', '/backupPlans', plan({ name: 'taken' }))
    const { status, type, text } = await call('POST', '/backupPlans', plan({ name: 'taken' }), {
      accept: 'application/json, text/plain, */*',
    })
    expect({ status, type, text }).toEqual({
      status: 400,
      type: 'text/plain; charset=utf-8',
      text: 'The service instance has a backup plan "taken" already.',
    })
  })
})

describe('two editors', () => {
  test('do not overwrite each other where they say which version they edit', async () => {
    const { body: made } = await call('POST', '/backupPlans', plan())
    for (const path of [`/backupPlans/${made.id}`, `/fileDestinations/${destinationId}`, '/serviceInstances/i-1']) {
      const method = path.startsWith('/serviceInstances') ? 'PUT' : 'PATCH'
      const read = await call('GET', path)
      const etag = read.etag ?? ''
      expect(etag).toMatch(/^"\d+"$/)
      const first = await call(method, path, read.body, { 'if-match': etag })
      expect([path, first.status]).toEqual([path, 200])
      expect(first.etag).not.toBe(etag)
      const second = await call(method, path, read.body, { 'if-match': etag })
      expect([path, second.status]).toEqual([path, 412])
      expect((await call(method, path, read.body, { 'if-match': 'W/"x"' })).status).toBe(412)
      expect((await call('GET', path)).etag).toBe(first.etag)
      expect((await call(method, path, read.body)).status).toBe(200)
    }
  })
})

describe('lists', () => {
  test('answer as pages, also to what old clients send for a page', async () => {
    const { body } = await call('GET', '/backupPlans/byInstance/i-1?size=undefined&page=NaN')
    expect(body).toMatchObject({ number: 0, size: 50, first: true })
    expect(body.content).toHaveLength(body.totalElements)
    const second = await call('GET', '/backupPlans/byInstance/i-1?size=1&page=1&sort=name,desc')
    expect(second.body).toMatchObject({
      number: 1,
      size: 1,
      numberOfElements: 1,
      first: false,
      totalPages: body.totalElements,
    })
    const names = body.content.map((each: { name: string }) => each.name).toSorted()
    expect(second.body.content[0].name).toBe(names.at(-2))
  })

  test('of an unknown instance are empty', async () => {
    for (const term of ['backupPlans', 'fileDestinations', 'backupJobs', 'restoreJobs']) {
      expect((await call('GET', `/${term}/byInstance/unknown`)).body).toMatchObject({
        content: [],
        totalElements: 0,
        empty: true,
      })
    }
  })
})

describe('jobs', () => {
  test('a started backup is echoed with its plan and its job, whatever stale plan was sent', async () => {
    const { body: made } = await call('POST', '/backupPlans', plan())
    const { status, body } = await call('POST', '/backup', { backupPlan: { ...made, name: 'stale', items: ['gone'] } })
    expect(status).toBe(201)
    expect(body.backupPlan).toEqual(made)
    expect(body.backupJob).toMatchObject({
      jobType: 'BACKUP',
      status: 'STARTED',
      destination: { filenamePrefix: `${made.id}/` },
    })
    expect(body.backupJob.agentExecutionReponses.db1).toMatchObject({
      filename: null,
      backup_log: null,
      post_backup_unlock_errorlog: null,
    })
    const { body: list } = await call('GET', '/backupJobs/byInstance/i-1?sort=startDate,desc')
    expect(list.content[0].id).toBe(body.backupJob.id)
    expect((await call('GET', `/restoreJobs/${body.backupJob.id}`)).body.jobType).toBe('BACKUP')
    expect((await call('DELETE', `/backupJobs/${body.backupJob.id}`)).status).toBe(409)
    const filtered = await call('GET', '/backupJobs/byInstance/i-1/filtered?jobStatus=SUCCEEDED')
    expect(filtered.body.totalElements).toBe(0)
  })

  test('an Idempotency-Key starts one job, also of ten requests at once', async () => {
    const { body: made } = await call('POST', '/backupPlans', plan())
    const start = (key: string, body: object = { backupPlan: { id: made.id } }) =>
      call('POST', '/backup', body, { 'idempotency-key': key })
    const answers = await Promise.all(Array.from({ length: 10 }, () => start('key-1')))
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201))
    expect(new Set(answers.map((answer) => answer.body.backupJob.id)).size).toBe(1)
    const second = await start('key-2')
    expect(second.status).toBe(409)
    expect(second.body.detail).toContain(`The job ${answers[0]?.body.backupJob.id} of this plan is not over`)
    expect((await start('key-1', { backupPlan: { id: made.id, name: 'another' } })).status).toBe(201)
    const { body: other } = await call('POST', '/backupPlans', plan())
    expect((await start('key-1', { backupPlan: { id: other.id } })).status).toBe(409)
    expect((await start('no key')).body.field).toBe('Idempotency-Key')
  })

  test('what is unknown is not started', async () => {
    expect((await call('POST', '/backup', { backupPlan: { id: 'nothing' } })).status).toBe(404)
    expect((await call('POST', '/backup', {})).body.field).toBe('backupPlan')
    expect((await call('POST', '/restore', { backupJob: { id: 'nothing' }, items: [{ item: 'db1' }] })).status).toBe(
      404,
    )
    expect((await call('GET', '/backupJobs/nothing')).status).toBe(404)
  })
})

test('bodies that are no JSON, too large or of another type get a 4xx problem', async () => {
  const headers = { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' }
  const broken = await fetch(`${manager.url}/backup`, { method: 'POST', headers, body: '{' })
  expect(broken.status).toBe(400)
  const large = await fetch(`${manager.url}/backup`, {
    method: 'POST',
    headers,
    body: `"${'x'.repeat(17 * 1024 * 1024)}"`,
  })
  expect(large.status).toBe(413)
  const form = await fetch(`${manager.url}/backup`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/xml' },
    body: '<a/>',
  })
  expect(form.status).toBe(415)
  expect(await form.json()).toMatchObject({ type: 'about:blank', status: 415 })
})
