import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { until } from './agent-under-test.ts'
import { CrashingAgent, isAlive, password, putDump, scriptsOf, send, stages, untilDead } from './crashing-agent.ts'

/** How often the agent is killed at any moment. */
const ROUNDS = 10
/** How often each stage is hit. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 1)
const cases = ([1, 2] as const).flatMap((form) =>
  (['backup', 'restore'] as const).flatMap((kind) =>
    stages[kind].flatMap((stage) => Array.from({ length: rounds }, (_, round) => ({ form, kind, stage, round }))),
  ),
)

test.each(cases)(
  'form $form: killed during $stage, the agent runs the always-run steps at its next start ($round)',
  async ({ form, kind, stage }) => {
    const agent = await CrashingAgent.prepare(scriptsOf(form, stage), { stage_kill_grace_seconds: '0' })
    if (kind === 'restore') await putDump(agent)
    const before = await agent.files('bucket')
    await agent.start()
    expect(await send(kind, agent, 'job 1')).toMatchObject({ status: 201 })
    await until(() => agent.has('held'), `${stage} runs`)
    const pids = [Number(await agent.read('held')), Number(await agent.read('held.child'))]
    const log = await agent.kill()
    expect(await Promise.all(pids.map(isAlive))).toEqual([true, true])

    // The first script must not continue: it is released only where the stage always runs, and is therefore repeated.
    const isOwed = stage.endsWith('cleanup') || stage.endsWith('unlock')
    if (isOwed) process.kill(pids[0] ?? Number.NaN, 'SIGSTOP')
    if (isOwed) await writeFile(join(agent.root, 'release'), '')
    await agent.start()
    const job = await agent.over(kind, encodeURIComponent('job 1'))
    const failed = { status: 'FAILED', state: 'finished', failed_stage: stage, failure_code: 'agent-restarted' }
    expect(job).toMatchObject(failed)
    expect(job.error_message).toBe(`agent was restarted during ${stage}`)
    await untilDead(pids)

    const [lock = '', unlock = ''] = [stages[kind][0], stages[kind].at(-1)]
    expect([await agent.count(`begin ${lock}`), await agent.count(`end ${unlock}`)]).toEqual([1, 1])
    const didWork = await agent.count(`begin ${kind}`)
    expect(await agent.count(`end ${kind}-cleanup`)).toBe(didWork)
    const reached = stages[kind].indexOf(stage as never)
    for (const [index, each] of stages[kind].entries()) {
      const isLater = index > reached && !each.endsWith('cleanup') && !each.endsWith('unlock')
      if (isLater) expect(await agent.count(`begin ${each}`)).toBe(0)
    }
    expect(await agent.read('told')).toBe(`${password}\n`)

    // A dump that was whole, checked and written down before the crash stays, as after any other failure of a cleanup,
    // and its manifest with it.
    const wasStored = kind === 'backup' && isOwed
    expect((await agent.files('bucket')).length).toBe(before.length + (wasStored ? 2 : 0))
    if (form === 2) expect([await agent.files('backups'), await agent.files('restores')]).toEqual([[], []])
    expect(await agent.files('restores')).toEqual([])

    expect(await send(kind, agent, 'job 1')).toMatchObject({ status: 409, json: job })
    const files = await agent.journalFiles()
    const kept = await Promise.all(files.map((name) => readFile(join(agent.state, name), 'utf8')))
    for (const text of [...kept, log, await agent.running.output()]) expect(text).not.toContain(password)
    expect(await agent.call('DELETE', `/${kind}`, { id: 'job 1' })).toMatchObject({ status: 200 })
    expect(await agent.call('DELETE', `/${kind}`, { id: 'job 1' })).toMatchObject({ status: 410 })
  },
)

test('killed at any moment, again and again, the agent leaves nothing locked, and every id answers', async () => {
  const agent = await CrashingAgent.prepare(scriptsOf(2, 'none'))
  await putDump(agent)
  for (let round = 0; round < ROUNDS; round++) {
    await agent.start()
    // What the last round left has to be over before anything new begins.
    await until(async () => (await agent.call('GET', '/status')).json.accepts_jobs, 'the recovery is over')
    const kind = round % 2 === 0 ? 'backup' : 'restore'
    expect(await send(kind, agent, `job${round}`)).toMatchObject({ status: 201 })
    await sleep(Math.random() * 60)
    await agent.kill()
  }
  await agent.start()
  let succeeded = 0
  for (let round = 0; round < ROUNDS; round++) {
    const kind = round % 2 === 0 ? 'backup' : 'restore'
    const job = await agent.over(kind, `job${round}`)
    if (job.status === 'SUCCEEDED') succeeded++
    else expect(job.error_message).toMatch(/^agent was restarted during [a-z-]+$/)
  }
  for (const kind of ['backup', 'restore']) {
    const locked = await agent.count(`begin pre-${kind}-lock`)
    expect(await agent.count(`end post-${kind}-unlock`)).toBeGreaterThanOrEqual(locked)
    expect(await agent.count(`end ${kind}-cleanup`)).toBeGreaterThanOrEqual(await agent.count(`begin ${kind}`))
  }
  const temporaries = (await agent.files('bucket')).filter((name) => name.includes('.osb-upload-'))
  expect(temporaries).toEqual([])
  expect(succeeded).toBeLessThan(ROUNDS)
})
