import type { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresqlFixture, startPostgresqlFixture } from './postgresql-fixture.ts'

let postgresql: PostgresqlFixture

beforeAll(async () => {
  postgresql = await startPostgresqlFixture()
})
afterAll(() => postgresql[Symbol.asyncDispose]())

/** What the manager is killed in: just before the row is written that records it, in this order. */
const moments = {
  'the beginning of the preparation': ['drill_steps', "tg_op = 'INSERT' and new.name = 'prepare'"],
  'the end of the preparation': ['drills', "tg_op = 'UPDATE' and old.step = 'prepare' and new.step = 'restore'"],
  'the beginning of the restore': ['drill_steps', "tg_op = 'INSERT' and new.name = 'restore'"],
  'the start of the restore job': [
    'drill_parts',
    "tg_op = 'UPDATE' and new.restore_job_id is not null and old.restore_job_id is null",
  ],
  'the verdict': ['drill_parts', "tg_op = 'UPDATE' and new.verdict is not null"],
  'the end of the restores': ['drills', "tg_op = 'UPDATE' and old.step = 'restore' and new.step = 'clean-up'"],
  'the beginning of the clean-up': ['drill_steps', "tg_op = 'INSERT' and new.name = 'clean-up'"],
  'the end of the drill': ['drills', "tg_op = 'UPDATE' and new.step = 'done'"],
} as const

const BARRIER = 4711

/** Makes whoever writes a row wait for as long as `sql` holds the barrier. */
async function waitAt(sql: Client, [table, condition]: readonly [string, string]): Promise<void> {
  await sql.query(`select pg_advisory_lock(${BARRIER})`)
  await sql.query(`create or replace function wait_at_barrier() returns trigger language plpgsql as $$ begin
    if ${condition} then perform pg_advisory_xact_lock(${BARRIER}); end if;
    return new;
  end $$`)
  await sql.query(
    `create trigger barrier before insert or update on ${table} for each row execute function wait_at_barrier()`,
  )
}

const isWaiting = async (sql: Client): Promise<boolean> => {
  const { rows } = await sql.query(
    `select from pg_locks where locktype = 'advisory' and objid = ${BARRIER} and not granted`,
  )
  return rows.length > 0
}

test('a manager that is killed at every step of a drill, one after the other: it passes in the end, with one restore, and leaves nothing', async () => {
  const { fixture } = postgresql
  const plan = await postgresql.createPlan({
    checks: [{ name: 'orders', statement: 'SELECT count(*) FROM app.orders', expected: '42' }],
  })
  await postgresql.backUp(plan.id)
  let drillId: string | undefined
  for (const [moment, place] of Object.entries(moments)) {
    const sql = await fixture.connectDatabase()
    await waitAt(sql, place)
    drillId ??= (await fixture.client.plans.drill(plan.id)).id
    await expect.poll(() => isWaiting(sql), { interval: 50, message: moment }).toBe(true)
    expect((await fixture.client.jobs.get(drillId)).state, moment).not.toBe('succeeded')
    await fixture.manager.kill()
    // The session of the manager waits on, and would write what its manager does not know of.
    await sql.query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = ${BARRIER} and not granted`,
    )
    await sql.query(`select pg_advisory_unlock(${BARRIER})`)
    await sql.query(`drop trigger barrier on ${place[0]}`)
    await sql.end()
    await fixture.restartManager()
  }
  const job = await fixture.waitForJob(drillId ?? '')
  expect(job.parts[0]?.error).toBeUndefined()
  expect(job).toMatchObject({ state: 'succeeded', drill: { step: 'done' }, parts: [{ drill: { passed: true } }] })
  const restores = (await fixture.client.jobs.list({ kind: 'restore' })).items.filter(
    ({ drillId: of }) => of === job.id,
  )
  expect(restores.map(({ state }) => state)).toEqual(['succeeded'])
  expect(await postgresql.leftOnServer()).toEqual([])
  await fixture.client.plans.delete(plan.id)
})

test.each(['restore', 'verify', 'check', 'drill-cleanup'])(
  'an agent that is killed in %s: the drill does not pass, and the database is dropped',
  async (stage) => {
    const { fixture } = postgresql
    const plan = await postgresql.createPlan({ checks: [{ name: 'orders', statement: 'SELECT 42', expected: '42' }] })
    await postgresql.backUp(plan.id)
    const held = await postgresql.hold(stage)
    const { id } = await fixture.client.plans.drill(plan.id)
    await expect.poll(held.reached, { interval: 50 }).toBe(true)
    await fixture.agent.kill()
    await held.release()
    await fixture.restartAgent()
    const job = await fixture.waitForJob(id)
    expect(job.state).toBe('failed')
    expect(job.parts[0]).toMatchObject({ error: expect.stringMatching(/restarted/), drill: { passed: false } })
    expect(await postgresql.leftOnServer()).toEqual([])
    await fixture.client.plans.delete(plan.id)
  },
)
