import { access, constants, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../object-store.ts'
import { openStore } from '../open-store.ts'
import { toFileStoreError } from './file-error.ts'

let base = ''
let root = ''
let store: ObjectStore

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'osb-file-'))
  root = join(base, 'store')
  await mkdir(root)
  store = openStore({ type: 'file', directory: root }, { retry: false })
})
afterEach(() => rm(base, { recursive: true }))

const put = (name: string, text = name) => store.put(name, Readable.from([Buffer.from(text)]))

async function names(prefix = ''): Promise<string[]> {
  const found: string[] = []
  for await (const object of store.list(prefix)) found.push(object.name)
  return found
}

/** Accepts the code, whichever error class says it. */
const code = (expected: string) => expect.objectContaining({ name: 'StoreError', code: expected })

describe('a file store', () => {
  test('follows no symbolic link, neither to read nor to write nor to remove', async () => {
    await mkdir(join(base, 'outside'))
    await writeFile(join(base, 'outside/secret'), 'secret')
    await symlink(join(base, 'outside'), join(root, 'link'))
    await symlink(join(base, 'outside/secret'), join(root, 'file-link'))
    await expect(store.get('link/secret')).rejects.toEqual(code('denied'))
    await expect(store.head('link/secret')).rejects.toEqual(code('denied'))
    await expect(store.remove('link/secret')).rejects.toEqual(code('denied'))
    await expect(put('link/new')).rejects.toEqual(code('denied'))
    await expect(put('link/deep/new')).rejects.toEqual(code('denied'))
    await expect(store.get('file-link')).rejects.toEqual(code('denied'))
    expect(await store.head('file-link')).toBeUndefined()
    expect(await names()).toEqual([])
    expect(await readdir(join(base, 'outside'))).toEqual(['secret'])

    await put('file-link', 'mine')
    expect(await readFile(join(base, 'outside/secret'), 'utf8')).toBe('secret')
  })

  test('may itself be reached over a symbolic link', async () => {
    await symlink(root, join(base, 'to-store'))
    const linked = openStore({ type: 'file', directory: join(base, 'to-store') }, { retry: false })
    await linked.put('a/b', Readable.from([Buffer.from('x')]))
    expect(await names()).toEqual(['a/b'])
  })

  test('lists no upload in progress, and accepts no name that looks like one', async () => {
    const content = new Readable({ read: () => undefined })
    content.push(Buffer.from('half'))
    const putting = store.put('folder/going-on', content)
    await expect.poll(() => readdir(join(root, 'folder')).catch(() => [])).toHaveLength(1)
    expect(await names()).toEqual([])
    content.push(null)
    await putting
    expect(await names()).toEqual(['folder/going-on'])
    await expect(put('.osb-upload-1')).rejects.toEqual(code('invalid-name'))
    await expect(put('.osb-upload-1/x')).rejects.toEqual(code('invalid-name'))
  })

  test('removes directories that became empty, and only those', async () => {
    await put('a/b/c')
    await put('a/d')
    await store.remove('a/b/c')
    expect(await readdir(root, { recursive: true })).toEqual(['a', 'a/d'])
    await store.remove('a/d')
    expect(await readdir(root)).toEqual([])
  })

  test('rejects names that file systems do not support, and those that a directory or file blocks', async () => {
    await expect(put('x'.repeat(256))).rejects.toEqual(code('invalid-name'))
    await put('x'.repeat(255))
    await put('a/b')
    await expect(put('a')).rejects.toEqual(code('invalid-name'))
    await expect(put('a/b/c')).rejects.toEqual(code('invalid-name'))
    expect(await store.head('a')).toBeUndefined()
    expect(await store.head('a/b/c')).toBeUndefined()
    await expect(store.get('a')).rejects.toEqual(code('absent'))
    await store.remove('a')
    expect(await names('a')).toEqual(['a/b'])
  })

  test('is never created by a call', async () => {
    await rm(root, { recursive: true })
    await expect(put('a')).rejects.toEqual(code('absent'))
    await expect(access(root, constants.F_OK)).rejects.toThrow()
  })

  test('stores many objects in a directory that others empty at the same time', async () => {
    const work = Array.from({ length: 8 }, async (_, worker) => {
      for (let index = 0; index < 50; index++) {
        await put(`shared/folder/${worker}`)
        await store.remove(`shared/folder/${worker}`)
      }
    })
    await Promise.all(work)
    expect(await readdir(root)).toEqual([])
  })
})

test.each([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EACCES', 'denied'],
  ['EROFS', 'denied'],
  ['ENOENT', 'absent'],
  ['EIO', 'temporary'],
  ['ESTALE', 'temporary'],
])('a file system error %s is %s', (system, expected) => {
  const error = Object.assign(new Error('from the system'), { code: system })
  expect(toFileStoreError(error, 'store "x"')).toMatchObject({
    code: expected,
    cause: error,
    message: expect.stringContaining(system),
  })
})
