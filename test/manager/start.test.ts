import { execFileSync, spawnSync } from 'node:child_process'
import { chown, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import { makeTemporaryFolder, startManagerProcess, startManagerProgram, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'

const agent = { url: 'http://127.0.0.1:1', username: 'agent', password: 'agent-secret-4711' }
const database = { username: 'backup', password: 'database-secret-4711' }
const register = (client: BackupClient, id: string) => registerInstance(client, id, agent, { database })

test('the first start creates an admin token, shows it once and keeps it where only its owner can read it', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path, ADMIN_TOKEN: '' })
  const [, token = ''] = /Admin token .*: (\S+)/.exec(manager.output()) ?? []
  expect(await readFile(join(folder.path, 'admin-token'), 'utf8')).toBe(`${token}\n`)
  expect((await stat(join(folder.path, 'admin-token'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder.path, 'secret.key'))).mode & 0o777).toBe(0o600)
  const client = new BackupClient({ url: manager.url, token })
  expect((await client.instances.list()).items).toEqual([])
  await manager.stop()

  const again = await startManagerProcess({ DATA_DIR: folder.path, ADMIN_TOKEN: '' })
  expect(again.output()).not.toContain(token)
  expect((await new BackupClient({ url: again.url, token }).instances.list()).items).toEqual([])
  await again.stop()
})

test('after kill -9 the next start finds the running PostgreSQL and all that was acknowledged', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path, LOG_LEVEL: 'info' }
  let manager = await startManagerProcess(settings)
  for (let round = 1; round <= 3; round++) {
    await register(manager.client, `instance-${round}`)
    await manager.kill()
    manager = await startManagerProcess(settings)
    expect(manager.output()).toContain('found the embedded PostgreSQL running')
    expect((await manager.client.instances.list()).items).toHaveLength(round)
  }
  await manager.stop()
})

test('after kill -9 of manager and PostgreSQL the next start recovers the stale data folder', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  await register(manager.client, 'kept')
  const pidFile = join(folder.path, 'postgres', 'data', 'postmaster.pid')
  const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n')[0])
  await manager.kill()
  process.kill(postmaster, 'SIGKILL')

  const next = await startManagerProcess({ DATA_DIR: folder.path })
  expect((await next.client.instances.get('kept')).id).toBe('kept')
  await next.stop()
  await expect(readFile(pidFile)).rejects.toThrow('ENOENT')
})

test('a second manager on the same DATA_DIR refuses and leaves the first alone', async () => {
  await using folder = await makeTemporaryFolder()
  const first = await startManagerProcess({ DATA_DIR: folder.path })
  const second = startManagerProgram({ DATA_DIR: folder.path })
  expect(await second.ended()).toBe(1)
  expect(second.output().trim()).toBe(
    `DATA_DIR (${folder.path}) is in use by another manager: stop it first, or give this one a folder of its own.`,
  )
  expect((await first.client.instances.list()).items).toEqual([])
  await first.stop()
})

test.for([
  [{ PORT: 'eighty' }, 'PORT must be a whole number from 0 to 65535.'],
  [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535.'],
  [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL must be a postgresql:// URL.'],
  [{ ADMIN_TOKEN: 'short' }, 'ADMIN_TOKEN must be 20 to 200 printable characters without spaces.'],
  [{ SECRET_KEY: 'abc' }, 'SECRET_KEY must be 64 hex digits.'],
  [{ DATA_DIR: '/etc/passwd/data' }, 'DATA_DIR (/etc/passwd/data) cannot be created: ENOTDIR.'],
] as const)('%j stops the start with one sentence', async ([settings, sentence]) => {
  await using folder = await makeTemporaryFolder()
  const manager = startManagerProgram({ DATA_DIR: folder.path, ...settings })
  expect(await manager.ended()).toBe(1)
  expect(manager.output().trim()).toBe(sentence)
})

test('a database that cannot be reached stops the start, and its password stays out of the message', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = startManagerProgram({
    DATA_DIR: folder.path,
    DATABASE_URL: 'postgresql://user:hidden-password@127.0.0.1:1/nothing',
  })
  expect(await manager.ended()).toBe(1)
  expect(manager.output()).toMatch(/^DATABASE_URL names a PostgreSQL that cannot be used: .*\.$/m)
  expect(manager.output()).not.toContain('hidden-password')
})

test('another sealing key than before stops the start', async () => {
  await using folder = await makeTemporaryFolder()
  const first = await startManagerProcess({ DATA_DIR: folder.path })
  await first.stop()
  const second = startManagerProgram({ DATA_DIR: folder.path, SECRET_KEY: 'ab'.repeat(32), ADMIN_TOKEN: TEST_TOKEN })
  expect(await second.ended()).toBe(1)
  expect(second.output()).toContain('is not the key that the secrets in this database were sealed with')
})

test('no answer, no log and no database file contains a secret', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path, LOG_LEVEL: 'trace' })
  const agentId = await register(manager.client, 'secretive')
  const read = [await manager.client.instances.get('secretive'), await manager.client.agents.get(agentId)]
  expect(read).toMatchObject([{ database: { passwordSet: true } }, { passwordSet: true }])
  expect(JSON.stringify([read, manager.output()])).not.toContain('secret-4711')
  await manager.stop()
  const found = execFileSync('sh', ['-c', 'grep -rl secret-4711 "$1" || true', 'sh', folder.path], { encoding: 'utf8' })
  expect(found).toBe('')
})

test.for([
  [{ DATA_DIR: '/proc/nowhere' }, 'DATA_DIR (/proc/nowhere) cannot be created: ENOENT.'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent.'],
] as const)('%j stops the start, and does not hang', async ([settings, sentence]) => {
  await using folder = await makeTemporaryFolder()
  const manager = startManagerProgram({ DATA_DIR: folder.path, ...settings })
  expect(await manager.ended()).toBe(1)
  expect(manager.output().trim()).toBe(sentence)
})

test('a folder in the temporary directory that another user created is not used for the socket', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: join(folder.path, 'x'.repeat(100), 'data'), TMPDIR: folder.path }
  const note = join(settings.DATA_DIR, 'postgres', 'socket-folder')
  const manager = await startManagerProcess(settings)
  const noted = (await readFile(note, 'utf8')).trim()
  await manager.stop()
  await rm(noted, { recursive: true })
  await symlink(folder.path, noted)
  const before = await stat(folder.path)
  const next = await startManagerProcess(settings)
  expect(await readFile(note, 'utf8')).not.toBe(noted)
  const after = await stat(folder.path)
  expect({ uid: after.uid, mode: after.mode }).toEqual({ uid: before.uid, mode: before.mode })
  await next.stop()
})

test.skipIf(process.getuid?.() !== 0)('no other account can reach the embedded PostgreSQL', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  const [pid = ''] = (await readFile(join(folder.path, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')
  const { uid } = await stat(join(folder.path, 'postgres'))
  expect((await stat(`/proc/${pid}`)).uid).toBe(uid)
  expect(spawnSync('getent', ['passwd', String(uid)]).status).not.toBe(0)
  const nobody = { uid: 65_534, gid: 65_534 }
  for (const [program, ...parameters] of [
    ['ls', join(folder.path, 'postgres')],
    ['cat', join(folder.path, 'postgres', 'data', 'pg_hba.conf')],
    ['ls', `/proc/${pid}/cwd/`],
    ['sh', '-c', `kill -0 ${pid}`],
  ] as const) {
    expect([program, spawnSync(program, parameters, nobody).status === 0]).toEqual([program, false])
  }
  await manager.stop()
  // Restored by root, say.
  await chown(join(folder.path, 'postgres', 'data'), 0, 0)
  await chown(join(folder.path, 'postgres'), 0, 0)
  const again = await startManagerProcess({ DATA_DIR: folder.path })
  await again.stop()
})

test('the sealing key may come from a command or a file, and only from one place', async () => {
  await using folder = await makeTemporaryFolder()
  const key = 'ab'.repeat(32)
  const path = join(folder.path, 'key')
  await writeFile(path, `${key}\n`)
  const first = await startManagerProcess({ DATA_DIR: folder.path, SECRET_KEY_COMMAND: `cat ${path}` })
  await register(first.client, 'one')
  await first.stop()
  const second = await startManagerProcess({ DATA_DIR: folder.path, SECRET_KEY_FILE: path })
  expect((await second.client.instances.get('one')).database.passwordSet).toBe(true)
  await second.stop()
})
