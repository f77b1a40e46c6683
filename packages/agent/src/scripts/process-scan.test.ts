import { mkdir, mkdtemp, open, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { haveOpen } from './process-scan.ts'

test('a file below a directory is seen by every name of the directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'osb-scan-'))
  onTestFinished(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'real', 'job'), { recursive: true })
  await symlink(join(root, 'real'), join(root, 'link'))
  const file = await open(join(root, 'real', 'job', 'dump'), 'w')
  const isSeen = (path: string) => haveOpen([process.pid], new Set(), join(root, path))
  expect([isSeen('real/job'), isSeen('link/job'), isSeen('link/jo'), isSeen('link/other')]).toEqual([
    true,
    true,
    false,
    false,
  ])
  await rm(join(root, 'real', 'job'), { recursive: true })
  expect(isSeen('link/job')).toBe(true)
  await file.close()
  expect(isSeen('link')).toBe(false)
})
