import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')

/** Runs a program of the repository to its end; rejects unless it exits with 0. */
const run = (program: string, args: readonly string[], environment: Record<string, string> = {}) =>
  promisify(execFile)(process.execPath, [join(repository, program), ...args], {
    env: { ...process.env, ...environment },
  })

test('npm run bench -- --help describes each benchmark', async () => {
  const { stdout, stderr } = await run('bench/main.ts', ['--help'])
  expect(stderr).toBe('')
  expect(stdout).toContain('npm run bench -- NAME')
  const entries = await readdir(join(repository, 'bench'), { withFileTypes: true })
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    expect(stdout).toMatch(new RegExp(`^  ${name} +[a-z].{20}`, 'm'))
  }
})

test('npm run bench without a name it knows fails, and says which there are', async () => {
  await expect(run('bench/main.ts', ['speed'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('transfer-memory'),
  })
})

test('npm run lab -- down says where it looked when nothing runs', async () => {
  await using folder = await makeTemporaryFolder()
  const looked = (part: string) => `${part}-lab: nothing ran in ${folder.path}/${part}\n`
  const never = await run('lab/main.ts', ['down'], { LAB_STATE: folder.path })
  expect(never.stderr.split(/(?<=\n)/).toSorted()).toEqual(['ceph', 'object-store', 'postgresql'].map(looked))
  // What is left of one that ran.
  await mkdir(join(folder.path, 'object-store', 'run'), { recursive: true })
  const again = await run('lab/main.ts', ['down'], { LAB_STATE: folder.path })
  expect(again.stderr).toContain(looked('object-store'))
})
