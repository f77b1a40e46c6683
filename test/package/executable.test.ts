import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { executable } from '../../tools/package/executable.ts'
import { runProgram } from '../tools/built-programs.ts'

test('the single executable works where there is no Node', async () => {
  await using folder = await makeTemporaryFolder()
  const { path } = folder
  const [file = ''] = await executable(path)
  const run = (args: readonly string[], input: string | Buffer = '') =>
    runProgram([file, ...args], { input, cwd: path, env: { PATH: '/usr/bin:/bin' } })
  expect((await run(['--version'])).stdout.toString()).toBe(`${VERSION}\n`)
  expect((await run(['frobnicate'])).code).toBe(2)
  await writeFile(join(path, 'store.json'), JSON.stringify({ type: 'file', directory: path }))
  const destination = ['--destination', join(path, 'store.json')]
  const content = Buffer.alloc(100_000, 'content')
  const stored = await run(['object', 'put', 'a.gz', ...destination, '--compression', 'gzip'], content)
  expect(stored).toMatchObject({ code: 0, stderr: '' })
  const { sha256 } = JSON.parse(stored.stdout.toString())
  const got = await run(['object', 'get', 'a.gz', ...destination, '--sha256', sha256])
  expect(got.stdout.equals(content)).toBe(true)
})
