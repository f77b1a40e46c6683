import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDirectory } from './create-directory.ts'

let base = ''
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'osb-node-'))
})
afterEach(() => rm(base, { recursive: true }))

test('a directory is created with its missing parents, each with the mode', async () => {
  await createDirectory(join(base, 'a/b/c'), 0o700)
  for (const path of ['a', 'a/b', 'a/b/c']) expect((await stat(join(base, path))).mode & 0o777).toBe(0o700)
})

test('a directory that exists is left unchanged, also behind a link', async () => {
  await createDirectory(join(base, 'a'), 0o750)
  await writeFile(join(base, 'a/file'), '')
  await symlink('a', join(base, 'link'))
  await createDirectory(join(base, 'a'), 0o700)
  await createDirectory(join(base, 'link'), 0o700)
  expect((await stat(join(base, 'a'))).mode & 0o777).toBe(0o750)
  expect(await readdir(join(base, 'a'))).toEqual(['file'])
})

test('a file in the way is named', async () => {
  await writeFile(join(base, 'file'), '')
  await expect(createDirectory(join(base, 'file'), 0o700)).rejects.toThrow(`${join(base, 'file')} is not a directory`)
  await expect(createDirectory(join(base, 'file/below'), 0o700)).rejects.toThrow('ENOTDIR')
})

test('a place that can hold no directory is an error and not a wait for ever', { timeout: 10_000 }, async () => {
  await expect(createDirectory('/proc/osb-backup/state', 0o700)).rejects.toThrow('ENOENT')
})

test('many that create one tree at the same time all succeed', async () => {
  const paths = Array.from({ length: 20 }, (_, index) => join(base, 'x/y/z', String(index % 3)))
  await Promise.all(paths.map((path) => createDirectory(path, 0o700)))
  expect((await readdir(join(base, 'x/y/z'))).toSorted()).toEqual(['0', '1', '2'])
})
