import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { removeCgroup } from './cgroup.ts'

test('a cgroup is removed with those below it, and one that cannot be read stays', async () => {
  const root = await mkdtemp(join(tmpdir(), 'osb-cgroup-'))
  onTestFinished(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'job', 'stage', 'own'), { recursive: true })
  removeCgroup(join(root, 'job'))
  expect(await readdir(root)).toEqual([])
  await writeFile(join(root, 'unreadable'), '')
  expect(() => removeCgroup(join(root, 'unreadable'))).not.toThrow()
})
