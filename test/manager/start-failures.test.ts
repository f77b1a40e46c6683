import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder, SmallDisk, startManagerProcess, startManagerProgram } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { makeDatabase } from './own-database.ts'

const needsRoot = test.skipIf(process.getuid?.() !== 0)

/** What a program printed besides its log. */
const saidBy = (program: { output(): string }) =>
  program
    .output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))

needsRoot('on a full disk the start fails with one sentence, before and after the database was created', async () => {
  await using folder = await makeTemporaryFolder()
  await using disk = await SmallDisk.mount(folder.path, 160)
  const DATA_DIR = join(disk.path, 'data')
  await mkdir(DATA_DIR, 0o711)
  for (const isNew of [true, false]) {
    if (!isNew) await (await startManagerProcess({ DATA_DIR })).stop()
    const free = await disk.fill()
    const manager = startManagerProgram({ DATA_DIR })
    expect(await manager.ended()).toBe(1)
    expect(saidBy(manager)).toEqual(['The disk of DATA_DIR is full: free some space, and start the manager again.'])
    await free()
  }
})

needsRoot(
  'below a directory that the account of PostgreSQL cannot enter the start fails with one sentence',
  async () => {
    await using folder = await makeTemporaryFolder()
    await chmod(folder.path, 0o700)
    const manager = startManagerProgram({ DATA_DIR: join(folder.path, 'data') })
    expect(await manager.ended()).toBe(1)
    expect(saidBy(manager)).toEqual([
      expect.stringMatching(/^DATA_DIR \(.*\/data\) cannot be .* or set DATABASE_URL\.$/),
    ])
  },
)

test('a database that a newer version has upgraded is refused, with both versions', async () => {
  await using folder = await makeTemporaryFolder()
  await using database = await makeDatabase()
  const settings = { DATA_DIR: folder.path, DATABASE_URL: database.url }
  const manager = await startManagerProcess(settings)
  const { version } = await manager.client.version()
  await manager.stop()
  await database.query("insert into kysely_migration values ('9999-newer', now()::text)")
  await database.query("update settings set value = '99.1.0' where name = 'upgraded_by_version'")
  const older = startManagerProgram(settings)
  expect(await older.ended()).toBe(1)
  const sentence = `The database was upgraded by version 99.1.0 of the manager, and this is version ${version}: start that version or a newer one, or restore the database as it was before the upgrade.`
  expect(saidBy(older)).toEqual([sentence])
})

test('SIGTERM ends a start that waits for a PostgreSQL that does not answer', async () => {
  await using folder = await makeTemporaryFolder()
  const DATA_DIR = folder.path
  await (await startManagerProcess({ DATA_DIR })).kill()
  const [pid] = (await readFile(join(DATA_DIR, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')
  process.kill(Number(pid), 'SIGSTOP')
  try {
    const waiting = startManagerProgram({ DATA_DIR })
    const logFile = join(DATA_DIR, 'postgres', 'postgres.log')
    // It has tried to start a server of its own.
    await expect.poll(() => readFile(logFile, 'utf8')).toContain('already exists')
    process.kill(waiting.pid, 'SIGTERM')
    expect(await waiting.ended()).toBe(0)
  } finally {
    process.kill(Number(pid), 'SIGCONT')
  }
  const next = await startManagerProcess({ DATA_DIR })
  await next.stop()
})
