import { expect, test } from 'vitest'
import { agentWith, backupBody, formTwo, ofDatabase, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent, requestFor, scriptsOf, send } from './crashing-agent.ts'

test('a second job on a database is refused with the first one, and starts once that has ended', async () => {
  const under = await agentWith(formTwo({ backup: 'echo some; while [ ! -e ../go ]; do sleep 0.02; done\n' }))
  const backup = backupBody(under, 'first')
  expect(await under.call('POST', '/backup', backup)).toMatchObject({ status: 201 })
  const none = restoreBody(under, 'second', { filename: 'none.dump' })
  const restore = { ...none, restore: { ...none.restore, port: 5432 } }
  const refused = await under.call('PUT', '/restore', restore)
  expect(refused).toMatchObject({ status: 429 })
  expect(refused.json).toEqual({
    message: 'Failed to start a new job.',
    state: 'Job reservation',
    code: 'database_busy',
    error_message: 'The backup first works on the database db1 at db-host.',
    blocking_job: { kind: 'backup', id: 'first' },
  })
  expect(await under.call('GET', '/restore/second')).toMatchObject({ status: 404 })
  const { backup: database } = backup
  const same = [{ host: 'DB-HOST' }, { port: undefined }, { port: 0 }]
  for (const change of same) {
    const body = { ...backup, id: 'third', backup: { ...database, ...change } }
    expect(await under.call('POST', '/backup', body)).toMatchObject({ status: 429, json: { code: 'database_busy' } })
  }
  const others = [{ host: 'db-host-2' }, { port: 5433 }, { database: 'DB1' }]
  for (const [index, change] of others.entries()) {
    const body = { ...backup, id: `other${index}`, backup: { ...database, ...change } }
    expect(await under.call('POST', '/backup', body)).toMatchObject({ status: 201 })
  }
  await under.call('DELETE', '/backup', { id: 'first' })
  await until(async () => (await under.call('GET', '/backup/first')).status === 404, 'the first job has ended')
  expect(await under.call('PUT', '/restore', restore)).toMatchObject({ status: 201 })
})

test('of many requests for one database at a time, one starts', async () => {
  const under = await agentWith(formTwo({ backup: 'echo some; sleep 100\n' }), { max_job_number: '100' })
  const ids = Array.from({ length: 40 }, (_, index) => `job${index}`)
  const answers = await Promise.all(ids.map((id) => under.call('POST', '/backup', backupBody(under, id))))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(39)
})

test('while a restarted agent unlocks a database, no other job starts on it', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'post-backup-unlock'))
  await agent.start()
  await send('backup', agent, 'first')
  await until(() => agent.has('held'), 'the unlock script runs')
  await agent.kill()
  await agent.start()
  await until(async () => (await agent.count('begin post-backup-unlock')) === 2, 'the unlock script runs again')
  const other = ofDatabase(requestFor('backup', agent, 'second'), 'db1')
  expect([429, 503]).toContain((await agent.call('POST', '/backup', other)).status)
})
