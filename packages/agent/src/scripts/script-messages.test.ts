import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { messageFiles, readMetadata, readWarnings, removeMessageFiles, writeMetadata } from './script-messages.ts'

async function newFiles() {
  const directory = await mkdtemp(join(tmpdir(), 'script-messages-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return messageFiles(directory)
}

test('no file means no warnings and no metadata', async () => {
  const files = await newFiles()
  expect(await readWarnings(files)).toBeUndefined()
  expect(await readMetadata(files)).toEqual({})
  await removeMessageFiles(files)
})

test('each line is a warning, with its code or without', async () => {
  const files = await newFiles()
  await writeFile(files.warnings, 'locks 6,400 locks are not enough.\n\nA sentence.\nno-sentence\n')
  expect(await readWarnings(files)).toEqual([
    { code: 'locks', message: '6,400 locks are not enough.' },
    { code: 'warning', message: 'A sentence.' },
    { code: 'warning', message: 'no-sentence' },
  ])
})

test('many and long warnings are cut, and the last one says so', async () => {
  const files = await newFiles()
  await writeFile(files.warnings, `long ${'x'.repeat(10_000)}\n`.repeat(5000))
  const warnings = (await readWarnings(files)) ?? []
  expect(warnings.length).toBeLessThanOrEqual(100)
  expect(warnings.every(({ message }) => message.length <= 2000)).toBe(true)
  expect(warnings.at(-1)).toMatchObject({ code: 'more-warnings' })
})

test('links and FIFOs in place of the files are not followed and do not block', async () => {
  const files = await newFiles()
  await symlink('/etc/passwd', files.warnings)
  execFileSync('mkfifo', [files.metadata])
  expect(await readWarnings(files)).toBeUndefined()
  expect(await readMetadata(files)).toEqual({})
})

test('metadata is read as it was written; anything but an object is an error', async () => {
  const files = await newFiles()
  await writeMetadata(files, { version: 1, name: 'ü' })
  expect(await readMetadata(files)).toEqual({ metadata: { version: 1, name: 'ü' } })
  await writeFile(files.metadata, '[1]')
  expect(await readMetadata(files)).toEqual({ problem: 'it is not a JSON object' })
  await writeFile(files.metadata, '{"a":')
  expect((await readMetadata(files)).problem).toMatch(/JSON/)
  await writeFile(files.metadata, JSON.stringify({ text: 'x'.repeat(300_000) }))
  expect((await readMetadata(files)).problem).toMatch(/larger than 262144 bytes/)
  await removeMessageFiles(files)
  await expect(readFile(files.metadata)).rejects.toThrow(/ENOENT/)
})
