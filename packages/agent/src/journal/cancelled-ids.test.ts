import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CancelledIds } from './cancelled-ids.ts'

const backup = (id: string) => ({ kind: 'backup', id }) as const

async function newPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'osb-cancelled-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return join(directory, 'ids')
}

test('cancelled ids survive a restart, and those of backups and restores are separate', async () => {
  const path = await newPath()
  const ids = await CancelledIds.open(path)
  await Promise.all(['a', 'b', 'a', 'x'.repeat(255)].map((id) => ids.add(backup(id))))
  const again = await CancelledIds.open(path)
  expect(['a', 'b', 'x'.repeat(255), 'c'].map((id) => again.has(backup(id)))).toEqual([true, true, true, false])
  expect(again.has({ kind: 'restore', id: 'a' })).toBe(false)
})

test('a line that a crash cut off does not spoil the next one', async () => {
  const path = await newPath()
  await (await CancelledIds.open(path)).add(backup('a'))
  await appendFile(path, 'backup-0123')
  await (await CancelledIds.open(path)).add(backup('b'))
  const again = await CancelledIds.open(path)
  expect(['a', 'b'].map((id) => again.has(backup(id)))).toEqual([true, true])
})

test('the file is bounded, and keeps the newest ids', async () => {
  const path = await newPath()
  const line = (number: number) => `backup-${number.toString(16).padStart(32, '0')}\n`
  await writeFile(path, Array.from({ length: 20_000 }, (_, index) => line(index)).join(''))
  await (await CancelledIds.open(path)).add(backup('a'))
  const text = await readFile(path, 'utf8')
  expect(text.split('\n')).toHaveLength(10_001)
  expect(text).toContain(line(19_999))
  expect((await CancelledIds.open(path)).has(backup('a'))).toBe(true)
})

test('an id that cannot be written is refused nevertheless', async () => {
  const path = await newPath()
  const ids = await CancelledIds.open(join(path, 'missing'))
  await expect(ids.add(backup('a'))).rejects.toThrow('ENOENT')
  expect(ids.has(backup('a'))).toBe(true)
})
