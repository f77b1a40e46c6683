import { TEST_TOKEN } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, instanceBody, s3, serviceInstance, startApi } from './api-fixture.ts'

let api: Api
let call: Api['call']
let plan: Api['plan']

beforeAll(async () => {
  api = await startApi()
  call = api.call
  plan = api.plan
})

afterAll(() => api[Symbol.asyncDispose]())

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
      const response = await fetch(api.url + path, { method, headers })
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

  test.for([0, '0', null, undefined])('a host with the port %j has none, and is answered with 0', async (port) => {
    const id = `port-${port}`
    const hosts = [{ ip: '10.0.0.6', port }]
    const { body } = await call('PUT', `/serviceInstances/${id}`, {
      ...instanceBody,
      service_instance_id: undefined,
      hosts,
    })
    expect(body.hosts).toEqual([{ ip: '10.0.0.6', port: 0, backup: false }])
    expect((await call('GET', `/v1/instances/${id}`)).body.hosts).toEqual([{ address: '10.0.0.6', backup: false }])
    expect((await call('PUT', `/serviceInstances/${id}`, body)).status).toBe(200)
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
    // On a server of its own, so that it need not declare its items.
    await call('PUT', '/serviceInstances/i-2', { ...instanceBody, hosts: [{ ip: '10.0.0.77', port: 5432 }] })
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
    const { body } = await call('GET', `/fileDestinations/${api.destinationId}`)
    expect(body).toMatchObject({
      type: 'S3',
      idAsString: body.id,
      authKey: 'k',
      authSecret: '***',
      region: '',
      // As the scheme of the endpoint says.
      skipSSL: true,
    })
    const { status, body: changed } = await call('PATCH', `/fileDestinations/${api.destinationId}`, {
      ...body,
      name: 'renamed',
    })
    expect({ status, name: changed.name }).toEqual({ status: 200, name: 'renamed' })
  })

  test('a password of Swift is not sent to another authUrl, nor to a server that a wider trust admits', async () => {
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

describe('two editors', () => {
  test('do not overwrite each other where they say which version they edit', async () => {
    const { body: made } = await call('POST', '/backupPlans', plan())
    for (const path of [`/backupPlans/${made.id}`, `/fileDestinations/${api.destinationId}`, '/serviceInstances/i-1']) {
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
    for (const name of ['a', 'b', 'c']) await call('POST', '/backupPlans', plan({ name }))
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

test('bodies that are no JSON, too large or of another type get a 4xx problem', async () => {
  const headers = { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' }
  const broken = await fetch(`${api.url}/backup`, { method: 'POST', headers, body: '{' })
  expect(broken.status).toBe(400)
  const large = await fetch(`${api.url}/backup`, {
    method: 'POST',
    headers,
    body: `"${'x'.repeat(17 * 1024 * 1024)}"`,
  })
  expect(large.status).toBe(413)
  const form = await fetch(`${api.url}/backup`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/xml' },
    body: '<a/>',
  })
  expect(form.status).toBe(415)
  expect(await form.json()).toMatchObject({ type: 'about:blank', status: 415 })
})

test('a destination says how it is reached; absent keeps that, and empty removes it', async () => {
  const sent = { ...s3, name: 'reached', serviceInstance }
  const reached = { caCertificate: 'PEM', insecureTls: true, pathStyle: false, bandwidthLimitBytesPerSecond: 5000 }
  const { body: created } = await call('POST', '/fileDestinations', { ...sent, ...reached })
  expect(created).toMatchObject(reached)
  const path = `/fileDestinations/${created.id}`
  expect((await call('PATCH', path, sent)).body).toMatchObject(reached)
  const nothing = { caCertificate: '', insecureTls: false, bandwidthLimitBytesPerSecond: 0 }
  const { body: cleared } = await call('PATCH', path, { ...sent, ...nothing })
  expect(cleared).not.toHaveProperty('caCertificate')
  expect(cleared).not.toHaveProperty('bandwidthLimitBytesPerSecond')
  expect((await call('GET', path)).body).toEqual(cleared)
})

test('an instance gets an agent of its own unless another has the same, and changes none that others use', async () => {
  const agentOf = async (id: string) => (await call('GET', `/v1/instances/${id}`)).body.agentId
  const put = (id: string, fields: object) =>
    call('PUT', `/serviceInstances/${id}`, { ...instanceBody, agent: { ...instanceBody.agent, ...fields } })
  const shared = { url: 'http://127.0.0.1:10' }
  await put('a-1', shared)
  await put('a-2', shared)
  const agentId = await agentOf('a-1')
  expect(await agentOf('a-2')).toBe(agentId)
  await put('a-2', { ...shared, password: 'another' })
  const own = await agentOf('a-2')
  expect(own).not.toBe(agentId)
  await put('a-2', { ...shared, username: 'other', password: 'another' })
  expect(await agentOf('a-2')).toBe(own)
  await put('a-2', shared)
  expect(await agentOf('a-2')).toBe(agentId)
  expect((await call('GET', `/v1/agents/${own}`)).status).toBe(404)
  await call('DELETE', '/serviceInstances/a-1')
  expect((await call('GET', `/v1/agents/${agentId}`)).status).toBe(200)
  await call('DELETE', '/serviceInstances/a-2')
  expect((await call('GET', `/v1/agents/${agentId}`)).status).toBe(404)
})
