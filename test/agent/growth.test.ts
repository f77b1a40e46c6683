import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { agentWith, backupBody, restoreBody } from './agent-under-test.ts'

const timer = setTimeout(() => undefined)
clearTimeout(timer)
/** What a job has: time limits, which last a day by default; streams, sockets and child processes. */
const kinds = { AbortSignal, Timeout: timer.constructor as typeof Object, EventEmitter }

/** How many there are, after a garbage collection. */
const countObjects = () =>
  Object.entries(kinds).map(([name, kind]) => [name, queryObjects(kind, { format: 'count' })] as const)

test('nothing is left in memory of jobs that were deleted', async () => {
  const scripts = { 'pack.json': '{"form":2,"name":"test","type":".dump"}', backup: 'echo dump\n', restore: 'cat\n' }
  const under = await agentWith(scripts)
  const run = async (kind: 'backup' | 'restore', method: string, body: { id: string }) => {
    expect(await under.call(method, `/${kind}`, body)).toMatchObject({ status: 201 })
    const job = await under.over(kind, body.id)
    expect(job).toMatchObject({ status: 'SUCCEEDED' })
    return job
  }
  const runJobs = async (count: number) => {
    for (let job = 0; job < count; job++) {
      const [backup, restore] = [randomUUID(), randomUUID()]
      const { filename = '', sha256 = '' } = await run('backup', 'POST', backupBody(under, backup))
      await run('restore', 'PUT', restoreBody(under, restore, { filename, sha256 }))
      for (const [kind, id] of [
        ['backup', backup],
        ['restore', restore],
      ] as const) {
        expect(await under.call('DELETE', `/${kind}`, { id })).toMatchObject({ status: 200 })
      }
    }
  }
  // What is loaded and connected once.
  await runJobs(2)
  const before = new Map(countObjects())
  const jobs = 6
  await runJobs(jobs)
  const grown = () => countObjects().filter(([name, count]) => count >= (before.get(name) ?? 0) + jobs)
  await expect.poll(grown).toEqual([])
})
