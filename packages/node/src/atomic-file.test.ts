import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createFileAtomically,
  isTemporaryFile,
  removeTemporaryFiles,
  renameUnlessExists,
  syncDirectory,
  writeFileAtomically,
} from './atomic-file.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'osb-node-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('a file is written, and replaced, and only its owner can read it', async () => {
  const path = join(directory, 'secret.key')
  await writeFileAtomically(path, 'one')
  await writeFileAtomically(path, 'two')
  expect(await readFile(path, 'utf8')).toBe('two')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(directory)).toEqual(['secret.key'])
})

test('a file that others had open to them is closed to them when it is replaced', async () => {
  const path = join(directory, 'key')
  await writeFile(path, 'old')
  await chmod(path, 0o644)
  await writeFileAtomically(path, 'new')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a write that fails leaves nothing behind', async () => {
  await mkdir(join(directory, 'in-the-way'))
  await expect(writeFileAtomically(join(directory, 'in-the-way'), 'x')).rejects.toThrow('EISDIR')
  await expect(writeFileAtomically(join(directory, 'missing', 'x'), 'x')).rejects.toThrow('ENOENT')
  expect(await readdir(directory)).toEqual(['in-the-way'])
})

test('readers see one whole content or another, never a part or none', async () => {
  const path = join(directory, 'file')
  const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000))
  await writeFileAtomically(path, contents[0] ?? '')
  let isWriting = true
  const writing = (async () => {
    for (let round = 0; round < 30; round++) await writeFileAtomically(path, contents[round % 3] ?? '')
    isWriting = false
  })()
  const seen = new Set<string>()
  while (isWriting) seen.add(await readFile(path, 'utf8'))
  await writing
  for (const content of seen) expect(contents).toContain(content)
})

test('of many that create one file exactly one succeeds, and its content is there', async () => {
  const path = join(directory, 'lock')
  const owners = Array.from({ length: 20 }, (_, owner) => String(owner))
  const created = await Promise.all(owners.map((owner) => createFileAtomically(path, owner)))
  expect(created.filter(Boolean)).toHaveLength(1)
  expect(await readFile(path, 'utf8')).toBe(owners[created.indexOf(true)])
  expect(await readdir(directory)).toEqual(['lock'])
})

test('a name that is taken by a directory or a dangling link is taken', async () => {
  await mkdir(join(directory, 'folder'))
  await symlink('nowhere', join(directory, 'link'))
  await writeFile(join(directory, 'file'), 'mine')
  for (const name of ['folder', 'link']) {
    expect(await createFileAtomically(join(directory, name), 'x')).toBe(false)
    expect(await renameUnlessExists(join(directory, 'file'), join(directory, name))).toBe(false)
  }
  expect((await readdir(directory)).toSorted()).toEqual(['file', 'folder', 'link'])
  expect(await renameUnlessExists(join(directory, 'file'), join(directory, 'new'))).toBe(true)
  expect((await readdir(directory)).toSorted()).toEqual(['folder', 'link', 'new'])
})

test('what a crash left is removed, and nothing else', async () => {
  await writeFile(join(directory, '.tmp-0123'), '')
  await writeFile(join(directory, 'tmp-mine'), '')
  expect((await readdir(directory)).filter(isTemporaryFile)).toEqual(['.tmp-0123'])
  await removeTemporaryFiles(directory)
  expect(await readdir(directory)).toEqual(['tmp-mine'])
})

test('a directory that cannot be synced is no error, one that is not there is', async () => {
  await syncDirectory('/proc')
  await expect(syncDirectory(join(directory, 'missing'))).rejects.toThrow('ENOENT')
})
