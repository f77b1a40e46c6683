import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

const setup = join(import.meta.dirname, '../../tools/setup')

test('packages are installed when the lockfile is newer, but not while a program runs from node_modules', async () => {
  await using folder = await makeTemporaryFolder()
  const { path } = folder
  for (const name of ['tools', 'bin', 'node_modules/.bin']) await mkdir(join(path, name), { recursive: true })
  await copyFile(setup, join(path, 'tools/setup'))
  for (const name of ['package-lock.json', 'node_modules/.package-lock.json']) await writeFile(join(path, name), '{}')
  await utimes(join(path, 'node_modules/.package-lock.json'), 1, 1)
  await writeFile(join(path, 'bin/npm'), '#!/bin/sh\necho "$@" >> installed\n')
  await chmod(join(path, 'bin/npm'), 0o755)
  await copyFile('/bin/sleep', join(path, 'node_modules/.bin/sleep'))
  await chmod(join(path, 'node_modules/.bin/sleep'), 0o755)
  const PATH = `${join(path, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`
  const run = () => spawnSync('/bin/sh', [join(path, 'tools/setup')], { env: { PATH }, encoding: 'utf8' })

  const program = spawn(join(path, 'node_modules/.bin/sleep'), ['600'], { stdio: 'ignore' })
  await once(program, 'spawn')
  const refused = run()
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(`process ${program.pid} runs from`) })
  await expect(readFile(join(path, 'installed'))).rejects.toThrow('ENOENT')

  program.kill('SIGKILL')
  await once(program, 'close')
  expect(run()).toMatchObject({ status: 0, stderr: 'Installing packages (npm ci) ...\n' })
  expect(await readFile(join(path, 'installed'), 'utf8')).toContain('ci ')
  expect(run()).toMatchObject({ status: 0, stderr: '' })
})
