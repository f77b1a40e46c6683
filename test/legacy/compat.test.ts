import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

/**
 * Existing clients, as the page on the wire format describes them: the dashboard, brokers, and a monitoring tool. They know
 * nothing of this project's own client.
 */
let fixture: Fixture
let directory: string
const serviceInstance = { service_instance_id: 'shop' }

beforeAll(async () => {
  fixture = await startFixture(
    { restore: 'cat >/dev/null' },
    { MINIMUM_INTERVAL_SECONDS: '3600', FILE_DESTINATION_ROOT: tmpdir() },
    { file_destination_root: tmpdir() },
  )
  // The other directory belongs to the instance of the fixture.
  directory = join(fixture.folder, 'shop')
  await mkdir(directory)
  const { url, username, password } = fixture.agent
  await ask('PUT', '/serviceInstances/shop', {
    hosts: [{ name: 'postgres0', ip: '10.0.0.6', port: 5432, backup: true }],
    agent: { url, username, password },
  })
})
afterAll(() => fixture[Symbol.asyncDispose]())

interface Wire {
  // biome-ignore lint/suspicious/noExplicitAny: what answers hold is what is tested
  [name: string]: any
}

/** A call as the dashboard makes it. */
async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(fixture.manager.url + path, {
    method,
    headers: {
      authorization: `Bearer ${fixture.manager.token}`,
      accept: 'application/json, text/plain, */*',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, text, body: (type.includes('json') ? JSON.parse(text) : {}) as Wire }
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/
const pageKeys = [
  ...['content', 'empty', 'first', 'last', 'number', 'numberOfElements', 'pageable', 'size', 'sort'],
  ...['totalElements', 'totalPages'],
]

async function ended(path: string): Promise<Wire> {
  for (;;) {
    const { status, body } = await ask('GET', path)
    expect(status).toBe(200)
    if (['SUCCEEDED', 'FAILED'].includes(body.status)) return body
    await sleep(100)
  }
}

/** What the dashboard's forms send: numbers and truths as text, and what it was never told to send. */
async function makePlan(name: string): Promise<Wire> {
  const destination = await ask('POST', '/fileDestinations', {
    ...{ type: 'FILE', id: '', name: `files of ${name}`, directory, filenamePrefix: '', serviceInstance },
    somethingNew: true,
  })
  expect(destination, destination.text).toMatchObject({ status: 201 })
  const plan = await ask('POST', '/backupPlans', {
    ...{ id: null, name, serviceInstance: { ...serviceInstance, hosts: [], context: null } },
    ...{ fileDestination: destination.body, paused: 'false', compression: 'true', frequency: '0 0 2 * * *' },
    ...{ timezone: 'Europe/Berlin', retentionStyle: 'FILES', retentionPeriod: '7', items: ['db1', 'db2'] },
    ...{ privateKey: 'none', publicKey: 'none', unknown: [1] },
  })
  expect([plan.status, plan.text]).toEqual([201, plan.text])
  return plan.body
}

describe('the dashboard', () => {
  test('makes a plan, sends it back whole, stale and masked, and backs up with it', async () => {
    const plan = await makePlan('nightly')
    expect(plan).toMatchObject({ retentionPeriod: 7, compression: true, paused: false, privateKey: 'none' })
    const paused = await ask('PATCH', `/backupPlans/${plan.id}`, { ...plan, paused: 'true', retentionPeriod: 7.9 })
    expect(paused.body).toMatchObject({ idAsString: plan.id, paused: true, retentionPeriod: 7 })
    expect(typeof paused.body.fileDestination.id).toBe('string')
    expect((await ask('PATCH', `/backupPlans/${plan.id}`, { ...plan, id: 'another' })).body.id).toBe(plan.id)
    const started = await ask('POST', '/backup', { backupPlan: { ...plan, name: 'stale', items: ['gone'] } })
    expect(started.status).toBe(201)
    expect(started.body.backupPlan.id).toBe(plan.id)

    const list = await ask('GET', '/backupJobs/byInstance/shop?size=undefined&page=NaN')
    expect(Object.keys(list.body).toSorted()).toEqual(pageKeys)
    expect(list.body).toMatchObject({ number: 0, size: 10, totalElements: 1, first: true, last: true, empty: false })
    expect(list.body.pageable).toMatchObject({ offset: 0, pageNumber: 0, pageSize: 10, paged: true, unpaged: false })
    const [{ id = '' } = {}] = list.body.content
    const job = await ended(`/backupJobs/${id}`)
    expect(job).toMatchObject({
      ...{ jobType: 'BACKUP', id, idAsString: id, status: 'SUCCEEDED', jobLogs: [] },
      ...{ serviceInstance, backupPlan: { id: plan.id }, destination: { type: 'FILE', filenamePrefix: `${plan.id}/` } },
    })
    expect(job.startDate).toMatch(instant)
    expect(job.endDate).toMatch(instant)
    const part = job.agentExecutionReponses.db1
    expect(part).toMatchObject({ status: 'SUCCEEDED', error_message: null, filename: job.files.db1 })
    expect(part.filesize).toEqual({ size: expect.any(Number), unit: 'byte' })
    expect(part.start_time).toMatch(instant)
    const stages = ['pre_backup_lock', 'pre_backup_check', 'backup', 'backup_cleanup', 'post_backup_unlock']
    for (const name of stages.flatMap((stage) => [`${stage}_log`, `${stage}_errorlog`])) {
      expect([name, part[name] === null || typeof part[name] === 'string']).toEqual([name, true])
    }
    expect(Object.keys(job.files)).toEqual(['db1', 'db2'])
  })

  test('restores from a whole job, and finds the restore among the jobs of its kind alone', async () => {
    const plan = await makePlan('to be restored')
    await ask('POST', '/backup', { backupPlan: plan })
    const { body: newest } = await ask('GET', '/backupJobs/byInstance/shop?size=1&page=0&sort=startDate,desc')
    const job = await ended(`/backupJobs/${newest.content[0].id}`)
    const items = [{ item: 'db1', filename: job.files.db1 }]
    const started = await ask('POST', '/restore', { backupJob: { ...job, status: 'RUNNING', files: {} }, items })
    expect(started.status).toBe(201)
    expect(started.body).toMatchObject({ backupJob: { id: job.id }, items })
    const { body: restores } = await ask('GET', '/restoreJobs/byInstance/shop?size=10&page=0')
    const restore = await ended(`/restoreJobs/${restores.content[0].id}`)
    expect(restore).toMatchObject({ jobType: 'RESTORE', status: 'SUCCEEDED', serviceInstance })
    expect(Object.keys(restore)).toEqual(expect.not.arrayContaining(['files', 'destination']))
    expect(restore.agentExecutionReponses.db1).toMatchObject({ status: 'SUCCEEDED', restore_log: expect.anything() })
    expect((await ask('GET', `/restoreJobs/${job.id}`)).body.jobType).toBe('BACKUP')
  })

  test('reads the body of an error as it is: one sentence of text', async () => {
    const plan = await makePlan('named once')
    const { id: _id, ...again } = plan
    for (const [fields, sentence] of [
      [{}, /already\.$/],
      [{ name: 'x', retentionPeriod: 0 }, /retentionPeriod/],
      [{ name: 'x', frequency: '0 */10 * * * *' }, /at least 3600/],
      [{ name: 'x', fileDestination: { id: 'unknown' } }, /has no file destination/],
    ] as const) {
      const { status, type, text } = await ask('POST', '/backupPlans', { ...again, ...fields })
      expect({ status, type }).toEqual({ status: 400, type: 'text/plain; charset=utf-8' })
      expect(text).toMatch(sentence)
    }
    expect((await ask('DELETE', `/fileDestinations/${plan.fileDestination.id}`)).status).toBe(409)
  })

  test('validates a destination and gets it echoed, or a sentence; type and jobType are read to the letter', async () => {
    const file = { type: 'FILE', name: 'files', directory, serviceInstance }
    expect((await ask('POST', '/fileDestinations/validate', file)).body).toMatchObject({ type: 'FILE', name: 'files' })
    expect(await readdir(directory)).not.toContain('s3_validation_testfile.txt')
    const lost = { ...file, directory: join(directory, 'nowhere') }
    expect(await ask('POST', '/fileDestinations/validate', lost)).toMatchObject({
      status: 400,
      type: expect.stringContaining('text/plain'),
    })
    expect((await ask('POST', '/fileDestinations', { ...file, type: 'file' })).status).toBe(400)
  })

  test('is refused the name of another destination of the instance, and may keep the one that a destination has', async () => {
    const file = { type: 'FILE', name: 'taken', directory, serviceInstance }
    const { body } = await ask('POST', '/fileDestinations', file)
    for (const path of ['/fileDestinations', '/fileDestinations/validate']) {
      const text = 'The service instance has a file destination "taken" already: choose another name.'
      expect(await ask('POST', path, file)).toMatchObject({ status: 400, text })
    }
    expect((await ask('POST', '/fileDestinations/validate', { ...file, id: body.id })).status).toBe(200)
  })

  test('deletes a file, a job and a plan; what was deleted answers 404, and a list shows the plan as deleted', async () => {
    const plan = await makePlan('short-lived')
    await ask('POST', '/backup', { backupPlan: plan })
    const { body: newest } = await ask('GET', '/backupJobs/byInstance/shop?size=1&sort=startDate,desc')
    const job = await ended(`/backupJobs/${newest.content[0].id}`)
    expect(await readdir(join(directory, plan.id))).toContain(job.files.db1)
    expect((await ask('DELETE', `/backupJobs/${job.id}/file`)).status).toBe(204)
    expect(await readdir(join(directory, plan.id)).catch(() => [])).not.toContain(job.files.db1)
    const deleted = await ask('DELETE', `/backupPlans/${plan.id}`)
    expect([deleted.status, deleted.body.id]).toEqual([200, plan.id])
    expect((await ask('GET', `/backupPlans/${plan.id}`)).status).toBe(404)
    expect((await ask('GET', `/backupJobs/${job.id}`)).body.backupPlan).toBeUndefined()
    expect((await ask('DELETE', `/backupJobs/${job.id}`)).status).toBe(204)
    expect((await ask('DELETE', `/backupJobs/${job.id}`)).status).toBe(404)
  })
})

test('a monitoring tool pages over jobs of one state, and reads problems where it asks for JSON', async () => {
  await makePlan('monitored')
  const { body } = await ask(
    'GET',
    '/backupJobs/byInstance/shop/filtered?jobStatus=SUCCEEDED&size=1&page=1&sort=startDate,desc',
  )
  expect(body).toMatchObject({ number: 1, size: 1, numberOfElements: 1, first: false })
  expect(body.content[0]).toMatchObject({ idAsString: expect.any(String), status: 'SUCCEEDED' })
  const { type, body: problem } = await ask('GET', '/backupJobs/unknown', undefined, { accept: 'application/json' })
  expect({ type, problem }).toMatchObject({ type: 'application/problem+json', problem: { status: 404 } })
})

test('a broker deprovisions with Basic: jobs, plans, destinations, in that order, with nothing in the body', async () => {
  const password = 'the password of a broker'
  await ask('PUT', '/brokerAccounts/broker', { password, serviceInstances: 'all' })
  await makePlan('to be deprovisioned')
  const headers = { authorization: `Basic ${btoa(`broker:${password}`)}`, 'content-type': 'application/json' }
  for (const term of ['backupJobs', 'backupPlans', 'fileDestinations']) {
    const { status, text } = await ask('DELETE', `/${term}/byInstance/shop`, undefined, headers)
    expect([term, status, text]).toEqual([term, 204, ''])
    expect((await ask('GET', `/${term}/byInstance/shop`)).body).toMatchObject({ content: [], totalElements: 0 })
  }
})
