import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serviceInstance, startApi } from './api-fixture.ts'

let api: Api
let call: Api['call']
let plan: Api['plan']

beforeAll(async () => {
  api = await startApi()
  call = api.call
  plan = api.plan
})

afterAll(() => api[Symbol.asyncDispose]())

describe('backup plans', () => {
  test('keep how dumps are compressed where an old client does not send it, and a level goes with its algorithm', async () => {
    const { body } = await call('POST', '/backupPlans', plan({ compressionAlgorithm: 'gzip', compressionLevel: 9 }))
    const { compressionAlgorithm: _a, compressionLevel: _l, ...asOldClientsSend } = body
    const kept = await call('PATCH', `/backupPlans/${body.id}`, asOldClientsSend)
    expect(kept.body).toMatchObject({ compressionAlgorithm: 'gzip', compressionLevel: 9 })
    const changed = { ...asOldClientsSend, compressionAlgorithm: 'zstd' }
    expect((await call('PATCH', `/backupPlans/${body.id}`, changed)).body).not.toHaveProperty('compressionLevel')
    const refused = await call('PATCH', `/backupPlans/${body.id}`, { ...body, compressionLevel: 19 })
    expect(refused).toMatchObject({ status: 400, body: { field: 'compressionLevel' } })
  })

  test('are whole in an answer, with "none" for keys that are not set', async () => {
    const { status, body } = await call('POST', '/backupPlans', plan({ paused: 'true' }))
    expect(status).toBe(201)
    expect(body).toMatchObject({
      idAsString: body.id,
      serviceInstance,
      fileDestination: { id: api.destinationId, authSecret: '***' },
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
    [{ timezone: 'Middle/Earth' }, 'timezone', /is unknown/],
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

  test('can be previewed without being created: the next ten runs, on the clocks of the zone', async () => {
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
      detail: expect.stringContaining('at character 9, month "13": it accepts 1 to 12'),
    })
    // One hour on the face of the clock, though half an hour passes on the day that it jumps.
    const weekends = { frequency: '0 30 2,3 * * SAT,SUN', timezone: 'Europe/Berlin' }
    expect((await ask(weekends)).body).toMatchObject({ shortestIntervalSeconds: 3600 })
    expect((await call('POST', '/backupPlans', plan(weekends))).status).toBe(201)
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
    const { body: made } = await call('POST', '/backupPlans', plan({ items: ['started once'] }))
    const start = (key: string, body: object = { backupPlan: { id: made.id } }) =>
      call('POST', '/backup', body, { 'idempotency-key': key })
    const answers = await Promise.all(Array.from({ length: 10 }, () => start('key-1')))
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201))
    expect(new Set(answers.map((answer) => answer.body.backupJob.id)).size).toBe(1)
    const second = await start('key-2')
    expect(second.status).toBe(409)
    expect(second.body.detail).toContain(`The job ${answers[0]?.body.backupJob.id} of this plan has not ended`)
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
