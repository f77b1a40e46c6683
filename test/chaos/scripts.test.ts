import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { writeWitnesses } from './scripts.ts'

const execute = promisify(execFile)

async function witnesses() {
  const folder = await makeTemporaryFolder()
  const traces = join(folder.path, 'traces')
  await writeWitnesses(folder.path, traces)
  const run = async (stage: string, jobId: string) => {
    const env = { PATH: process.env.PATH, BACKUP_STAGE: stage, BACKUP_JOB_ID: jobId, BACKUP_DATABASE: 'db' }
    const script = execute('bash', [join(folder.path, stage)], { env, encoding: 'buffer' })
    script.child.stdin?.end()
    await script.catch(() => undefined)
  }
  const violations = async () => (await readFile(join(traces, 'violations'), 'utf8')).split('\n').filter(Boolean)
  const locks = async () => (await readdir(traces)).filter((name) => name.startsWith('lock.'))
  return { run, violations, locks, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

test('a part that has its database to itself leaves no violation and no lock', async () => {
  await using each = await witnesses()
  for (const stage of ['pre-backup-lock', 'backup', 'post-backup-unlock', 'post-backup-unlock'])
    await each.run(stage, 'a')
  expect(await each.violations()).toEqual([])
  expect(await each.locks()).toEqual([])
})

test.each([
  ['a lock of what another job has locked', ['pre-backup-lock a', 'pre-restore-lock b'], /locked by 'a'/],
  ['a dump without a lock', ['backup a'], /locked by ''/],
  ["an unlock of another job's lock", ['pre-backup-lock a', 'post-restore-unlock b'], /the lock is of 'a'/],
  ['a restore of other bytes', ['pre-restore-lock a', 'restore a'], /no dump of it/],
])('%s is a violation', async (_, stages, sentence) => {
  await using each = await witnesses()
  for (const stage of stages) await each.run(...(stage.split(' ') as [string, string]))
  expect((await each.violations()).join('\n')).toMatch(sentence)
})

test('two stages at once on one database are a violation', async () => {
  await using each = await witnesses()
  await each.run('pre-backup-lock', 'a')
  await Promise.all([each.run('backup', 'a'), each.run('restore', 'a')])
  expect((await each.violations()).join('\n')).toMatch(/another stage works on the database/)
})
