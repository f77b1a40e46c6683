import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, lstat, mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { fileOf, PackAgent, type Target } from './pack-agent.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
let agent: PackAgent
let directory: string
beforeEach(async () => {
  agent ??= await PackAgent.start('files')
  directory = join(agent.under.root, `data ${randomUUID()}`)
  await mkdir(join(directory, 'site'), { recursive: true })
})
afterAll(() => agent?.[Symbol.asyncDispose]())

const path = (...names: string[]) => join(directory, ...names)
const item = (database: string, parameters: Record<string, unknown> = {}): Target => ({
  database,
  parameters: { directory, ...parameters },
})

/** Everything under a path, with access control lists, extended attributes and the blocks that files take. */
async function listing(folder: string): Promise<string> {
  const script = `cd "$1" && find . -printf '%P %m %U:%G %T@ %y %l %n %b\\n' | sort && getfattr -R -d -m - -h . && getfacl -R -n .
    find . -type f -print0 | sort -z | xargs -0 sha256sum`
  return (await run('bash', ['-c', script, '_', folder], { maxBuffer: 50_000_000 })).stdout
}

test('attributes, access control lists, holes, links and odd names come back, under another name too', async () => {
  await writeFile(path('site', 'a "b"\n$(c) ü'), 'x')
  await writeFile(path('site', '-rf'), '')
  await writeFile(path('site', 'x'.repeat(250)), 'long')
  await writeFile(path('site', 'sparse'), 'begin')
  await truncate(path('site', 'sparse'), 20_000_000)
  await symlink('/etc/passwd', path('site', 'absolute'))
  await mkdir(path('site', 'shared'))
  execFileSync('setfattr', ['-n', 'user.comment', '-v', '0sAP8KDQ==', path('site', '-rf')])
  execFileSync('setfacl', ['-m', 'u:1234:rw,g:4321:r', path('site', '-rf')])
  execFileSync('setfacl', ['-d', '-m', 'u:1234:rwx', path('site', 'shared')])
  execFileSync('ln', [path('site', 'x'.repeat(250)), path('site', 'hard')])
  execFileSync('mkfifo', [path('site', 'pipe')])
  await chmod(path('site', 'shared'), 0o2770)
  const before = await listing(path('site'))
  expect(before).toContain('user.comment')
  expect(before).toContain('default:user:1234:rwx')
  const job = await agent.backup(item('site'))
  const filename = fileOf(job)
  expect(job.warnings ?? []).toEqual([])
  expect((await stat(agent.objectOf(filename))).size).toBeLessThan(1_000_000)
  fileOf(await agent.restore(item('a copy'), filename))
  expect(await listing(path('a copy'))).toBe(before)
  await writeFile(path('site', 'new'), '')
  fileOf(await agent.restore(item('site'), filename))
  expect(await listing(path('site'))).toBe(before)
})

test('the items are the directories, and a link to one is none', async () => {
  await mkdir(path('b "c"'))
  await mkdir(path('.hidden'))
  await mkdir(path('.site.restoring-r1'))
  await writeFile(path('file'), '')
  await symlink('/etc', path('link'))
  expect(await agent.items(item('none'))).toEqual({ items: ['.hidden', 'b "c"', 'site'] })
  expect((await agent.backup(item('link'))).error_message).toMatch(/symbolic link/)
  await mkdir(path('line\nfeed'))
  expect(await agent.items(item('none'))).toMatchObject({ code: 'list_items_failed' })
})

test('a file that changes while it is read fails the backup for now, or is kept with a warning', async () => {
  await writeFile(path('site', 'log'), Buffer.alloc(30_000_000, 1))
  // Written to for as long as tar reads it.
  const writing = (script: string) =>
    script.replace(
      'status=0\n',
      `status=0\n(while :; do echo x >>"${path('site', 'log')}"; done) >/dev/null 2>&1 3>&- &\nwriter=$!\ntrap 'kill $writer' EXIT\n`,
    )
  await agent.withScript('backup.sh', writing, async () => {
    const failed = await agent.backup(item('site'))
    expect(failed).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
    expect(failed.error_message).toMatch(/changed while they were read.*\/log/)
    const allowed = await agent.backup(item('site', { changed_files: 'allow' }))
    const filename = fileOf(allowed)
    expect(allowed.warnings).toMatchObject([{ code: 'changed-files', message: expect.stringContaining('log') }])
    fileOf(await agent.restore(item('copy'), filename))
  })
})

test('what cannot be archived is a failure, or a warning if nobody misses it', async () => {
  const server = createServer().listen(path('site', 'socket'))
  await once(server, 'listening')
  const job = await agent.backup(item('site'))
  server.close()
  fileOf(job)
  expect(job.warnings).toMatchObject([{ code: 'sockets' }])
  const failing = (script: string) => script.replace('--file=- .', '--file=- . ./missing')
  await agent.withScript('backup.sh', failing, async () => {
    const failed = await agent.backup(item('site', { changed_files: 'allow' }))
    expect(failed).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
    expect(failed.error_message).toMatch(/not complete/)
  })
  const cut = (script: string) => script.replace('| tee /dev/fd/3', '| head -c 2048 | tee /dev/fd/3')
  await writeFile(path('site', 'file'), Buffer.alloc(300, 1))
  await agent.withScript('backup.sh', cut, async () => {
    expect(await agent.backup(item('site'))).toMatchObject({ status: 'FAILED', filename: '' })
  })
})

test('an archive that ends between two files is not restored', async () => {
  await writeFile(path('site', 'kept'), 'kept')
  const before = await listing(path('site'))
  const header = execFileSync('tar', ['--create', '--directory', path('site'), 'kept']).subarray(0, 1024)
  const job = await agent.restore(item('site'), await agent.forge(header, '.tar'))
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(job.error_message).toMatch(/not whole/)
  expect(await listing(path('site'))).toBe(before)
})

test.skipIf(!isRoot)('an archive grants no rights, and writes nowhere else, unless it is trusted', async () => {
  const hostile = path('site')
  await writeFile(join(hostile, 'shell'), '#!/bin/sh\n')
  await chmod(join(hostile, 'shell'), 0o6755)
  execFileSync('setfattr', ['-n', 'trusted.odd', '-v', 'x', join(hostile, 'shell')])
  const filename = fileOf(await agent.backup(item('site')))
  const job = await agent.restore(item('copy'), filename)
  fileOf(job)
  expect(job.warnings).toMatchObject([{ code: 'set-id-bits' }])
  expect((await stat(path('copy', 'shell'))).mode & 0o7777).toBe(0o755)
  expect(await listing(path('copy'))).not.toContain('trusted.odd')
  fileOf(await agent.restore(item('trusted', { trust_dump: true }), filename))
  expect((await stat(path('trusted', 'shell'))).mode & 0o7777).toBe(0o6755)

  execFileSync('mknod', [join(hostile, 'disk'), 'b', '1', '0'])
  const devices = fileOf(await agent.backup(item('site')))
  expect((await agent.restore(item('devices'), devices)).error_message).toMatch(/device files/)
  await expect(lstat(path('devices'))).rejects.toMatchObject({ code: 'ENOENT' })

  const outside = path('outside')
  await writeFile(outside, 'untouched')
  await symlink('..', path('way'))
  const tar = (...args: string[]) => execFileSync('tar', ['--create', '-P', '--directory', directory, ...args])
  const through = tar('--transform', 's,^outside$,way/outside,', 'way', 'outside')
  const climbing = tar('--transform', 's,^outside$,../outside,', 'outside')
  await writeFile(outside, 'new')
  for (const content of [through, climbing, tar(outside)]) {
    await agent.restore(item('victim'), await agent.forge(content, '.tar'))
    expect(await readFile(outside, 'utf8')).toBe('new')
  }
})
