import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { findScriptAccount } from './script-account.ts'

const own = process.geteuid?.()

/** A directory with a `getent` of its own, which comes first in the PATH. */
async function withGetent(): Promise<{ directory: string; answer(script: string): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'script-account-'))
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true, force: true })
  })
  return {
    directory,
    answer: (script) => writeFile(join(directory, 'getent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
  }
}

test('an account that was found before is used while the directory service fails', async () => {
  const { directory, answer } = await withGetent()
  await answer('echo "dba is unreachable" >&2; exit 1')
  await expect(findScriptAccount('dba', directory)).rejects.toThrow(
    /^script_user dba cannot be looked up: .*dba is unreachable/s,
  )
  await answer(`echo "dba:x:${own}:7::/home/dba:/bin/sh"`)
  expect(await findScriptAccount('dba', directory)).toEqual({})
  await answer('exit 1')
  expect(await findScriptAccount('dba', directory)).toEqual({
    problem: expect.stringContaining('script_user dba cannot be looked up'),
  })
  await expect(findScriptAccount('other', directory)).rejects.toThrow('cannot be looked up')
})

test('an account that does not exist is reported as such', async () => {
  const { directory, answer } = await withGetent()
  await answer('exit 2')
  await expect(findScriptAccount('dba', directory)).rejects.toThrow(
    'script_user dba is not an account of this machine.',
  )
})
