import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agentWith, backupBody, formTwo, ofDatabase, restoreBody, until } from './agent-under-test.ts'
import { CrashingAgent } from './crashing-agent.ts'

/** Scripts that note when a job's lock was taken and given back, under its id. */
const locks = formTwo({
  'pre-backup-lock': 'echo "+ backup $BACKUP_JOB_ID" >> "$(dirname "$0")/../locks"\n',
  'post-backup-unlock': 'echo "- backup $BACKUP_JOB_ID" >> "$(dirname "$0")/../locks"\n',
  'pre-restore-lock': 'echo "+ restore $BACKUP_JOB_ID" >> "$(dirname "$0")/../locks"\n',
  'post-restore-unlock': 'echo "- restore $BACKUP_JOB_ID" >> "$(dirname "$0")/../locks"\n',
})

/** The most jobs of any that were locked at a time, by what the scripts noted. */
function mostAtATime(lines: string[]): number {
  let now = 0
  return Math.max(0, ...lines.map((line) => (line.startsWith('+') ? ++now : now--)))
}

test('the limit holds under hundreds of requests at a time, backups and restores together', async () => {
  const limits = { max_job_number: '5', reserved_restore_number: '3' }
  const under = await agentWith({ ...locks, backup: 'sleep 1; echo dump\n' }, limits)
  const none = { filename: 'none.dump' }
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      index % 2 === 0
        ? under.call('POST', '/backup', ofDatabase(backupBody(under, `job${index}`), `db${index}`))
        : under.call('PUT', '/restore', ofDatabase(restoreBody(under, `job${index}`, none), `db${index}`)),
    ),
  )
  const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length
  // A restore of a file that is not there is over soon and makes room for another.
  expect(count(201)).toBeGreaterThanOrEqual(5)
  expect(count(201) + count(429)).toBe(400)
  await until(async () => (await under.call('GET', '/status')).json.running_jobs.length === 0, 'all are over')
  const lines = (await under.read('locks')).trim().split('\n')
  expect(lines.filter((line) => line.startsWith('-'))).toHaveLength(count(201))
  expect(mostAtATime(lines.filter((line) => line.includes('backup')))).toBeLessThanOrEqual(5)
  expect(mostAtATime(lines)).toBeLessThanOrEqual(8)
})

const operations = fc.record({
  call: fc.constantFrom('post', 'post', 'post', 'put', 'get', 'delete'),
  name: fc.constantFrom('a', 'b'),
  afterMs: fc.nat(60),
})

test('in any order of calls for one database, one job runs at a time, and locked databases are unlocked', async () => {
  const under = await agentWith(locks, { max_job_number: '100' })
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operations, { minLength: 2, maxLength: 40 }), async (operations) => {
      // A job that was deleted does not start again.
      const run = ++runs
      const calls = operations.map(({ name, ...call }) => ({ ...call, id: `${name}${run}` }))
      const answers = await Promise.all(
        calls.map(async ({ call, id, afterMs }) => {
          await sleep(afterMs)
          if (call === 'post') return under.call('POST', '/backup', backupBody(under, id))
          if (call === 'put') return under.call('PUT', '/restore', restoreBody(under, id, { filename: 'none.dump' }))
          if (call === 'get') return under.call('GET', `/backup/${id}`)
          return under.call('DELETE', '/backup', { id })
        }),
      )
      for (const { status } of answers) expect([200, 201, 404, 409, 410, 429]).toContain(status)
      await until(async () => (await under.call('GET', '/status')).json.running_jobs.length === 0, 'all are over')
      const lines = (await under.read('locks').catch(() => '')).trim().split('\n')
      expect(mostAtATime(lines)).toBeLessThanOrEqual(1)
      for (const [id, call, kind] of [`a${run}`, `b${run}`].flatMap((each) => [
        [each, 'post', 'backup'],
        [each, 'put', 'restore'],
      ])) {
        const started = answers.filter(
          ({ status }, at) => status === 201 && calls[at]?.call === call && calls[at]?.id === id,
        )
        expect(started.length).toBeLessThanOrEqual(1)
        await under.call('DELETE', `/${kind}`, { id })
        await until(async () => (await under.call('GET', `/${kind}/${id}`)).status === 404, 'the job is deleted')
      }
    }),
    { numRuns: 20 },
  )
})

/** Sends bytes and waits until the agent has answered and hung up. */
async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let answer = ''
  socket.setEncoding('utf8').on('data', (piece: string) => {
    answer += piece
  })
  await new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve))
  return answer
}

test('callers that do not finish their request, or send too much, are disconnected', async () => {
  const under = await agentWith(formTwo())
  const { port } = under.agent
  const [headers, header] = await Promise.all([
    sendRaw(port, 'GET /status HTTP/1.1\r\nHost: a\r\n'),
    sendRaw(port, `GET /status HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
  ])
  expect(headers).toMatch(/^HTTP\/1.1 408 /)
  expect(header).toMatch(/^HTTP\/1.1 431 /)
  expect(await under.call('GET', '/status')).toMatchObject({ status: 200 })
})

/** The most memory that a process had so far. */
async function peakBytes(pid: number): Promise<number> {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1024
}

test('a script that prints 300 megabytes costs bounded memory', async () => {
  const noise =
    'echo first >&2; yes "a line of noise that nobody will ever read to its end" | head -c 300000000 >&2; echo last >&2\n'
  const agent = await CrashingAgent.prepare(formTwo({ 'pre-backup-lock': noise }))
  await agent.start()
  const body = {
    id: 'x',
    encryption_key: 'none',
    destination: { type: 'FILE', directory: agent.bucket },
    backup: { host: 'h', username: 'u', password: 'pw-12345', database: 'd' },
  }
  const before = await peakBytes(agent.running.pid)
  expect(await agent.call('POST', '/backup', body)).toMatchObject({ status: 201 })
  const job = await agent.over('backup', 'x')
  expect(job.status).toBe('SUCCEEDED')
  expect(String(job.pre_backup_lock_errorlog).length).toBeLessThan(70_000)
  expect(job.pre_backup_lock_errorlog).toMatch(/^first\n[\s\S]*last\n$/)
  const grown = (await peakBytes(agent.running.pid)) - before
  // Most of it is what any first job loads; the output has three hundred megabytes.
  expect(grown).toBeLessThan(150_000_000)
})
