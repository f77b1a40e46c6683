import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SecretMask } from '../masking.ts'
import { startScript } from './run-script.ts'

test('the input of a script that is stopped is closed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'osb-script-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'restore')
  await writeFile(path, 'cat > /dev/null\n')
  const { input, ended, stop } = await startScript({
    path,
    arguments: [],
    options: [],
    environment: { PATH: process.env.PATH ?? '' },
    directory,
    timeLimitMs: 60_000,
    killGraceMs: 1000,
    mask: new SecretMask([]),
    signal: new AbortController().signal,
    scope: { environment: { OSB_TEST_DIRECTORY: [directory] } },
    keepsBackground: false,
    stdin: 'stream',
    stdout: 'log',
    beforeStart: async () => undefined,
  })
  if (input === undefined) throw new Error('the script has no input')
  const isClosed = once(input, 'close')
  input.write('some')
  stop()
  expect((await ended).outcome).toEqual({ kind: 'stopped' })
  expect(input.destroyed).toBe(true)
  await isClosed
})
