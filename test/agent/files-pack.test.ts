import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type AgentUnderTest, agentWith, backupBody, restoreBody, until } from './agent-under-test.ts'

const run = promisify(execFile)
const packs = join(import.meta.dirname, '../../script-packs')

/** An agent with a pack of this repository, and a directory of files to back up. */
async function agentWithPack(pack: string): Promise<AgentUnderTest & { data: string }> {
  const under = await agentWith({})
  await cp(join(packs, pack), under.scripts, { recursive: true })
  const data = join(under.root, 'data')
  await mkdir(join(data, 'site/closed'), { recursive: true })
  await writeFile(join(data, 'site/page "one"\n.html'), 'one', { mode: 0o640 })
  await writeFile(join(data, 'site/closed/secret'), 'two', { mode: 0o400 })
  await symlink('../elsewhere', join(data, 'site/link'))
  await utimes(join(data, 'site/closed/secret'), 1_000_000, 1_000_000)
  return { ...under, data }
}

const parameters = (under: { data: string }, name: string) => ({
  database: 'site',
  parameters: [{ [name]: under.data }],
})

function withData(under: AgentUnderTest & { data: string }, id: string, name: string, changes: object = {}) {
  const body = backupBody(under, id)
  return { ...body, ...changes, backup: { ...body.backup, ...parameters(under, name) } }
}

function restoreWithData(
  under: AgentUnderTest & { data: string },
  id: string,
  filename: string,
  name: string,
  changes: object = {},
) {
  const body = restoreBody(under, id, { filename })
  return { ...body, ...changes, restore: { ...body.restore, ...parameters(under, name) } }
}

/** Everything under a path: names, modes, times, links, contents. */
const listing = async (path: string) =>
  (
    await run('bash', [
      '-c',
      'cd "$1" && find . -printf "%P %m %T@ %y %l\\n" | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum',
      '_',
      path,
    ])
  ).stdout

test('the files pack gives back a directory as it was, whatever became of it meanwhile', async () => {
  const under = await agentWithPack('files')
  const before = await listing(join(under.data, 'site'))
  await under.call('POST', '/backup', withData(under, 'x', 'directory', { compression: true }))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'SUCCEEDED' })
  expect(job.filename).toMatch(/_site\.tar\.zst$/)
  for (const [id, spoil] of [
    ['removed', () => rm(join(under.data, 'site'), { recursive: true })],
    ['changed', () => writeFile(join(under.data, 'site/new'), 'new')],
    ['unchanged', async () => undefined],
  ] as const) {
    await spoil()
    await under.call('PUT', '/restore', restoreWithData(under, id, job.filename ?? '', 'directory'))
    expect(await under.over('restore', id)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await listing(join(under.data, 'site'))).toBe(before)
    expect((await run('ls', ['-A', under.data])).stdout).toBe('site\n')
  }
})

test('a files restore that is cut short leaves the directory as it was', async () => {
  const under = await agentWithPack('files')
  const before = await listing(join(under.data, 'site'))
  await writeFile(join(under.data, 'site/closed/big'), Buffer.alloc(3_000_000, 1))
  await under.call('POST', '/backup', withData(under, 'x', 'directory'))
  const { filename = '' } = await under.over('backup', 'x')
  await rm(join(under.data, 'site/closed/big'))
  await utimes(join(under.data, 'site/closed'), 5, 5)
  const changed = await listing(join(under.data, 'site'))
  expect(changed).not.toBe(before)
  const path = join(under.bucket, 'plan', filename)
  await writeFile(path, (await readFile(path)).subarray(0, 1_000_000))
  await under.call('PUT', '/restore', restoreWithData(under, 'x', filename, 'directory'))
  expect(await under.over('restore', 'x')).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(await listing(join(under.data, 'site'))).toBe(changed)
  expect((await run('ls', ['-A', under.data])).stdout).toBe('site\n')
})

test('cleanup of the files pack restores what a killed restore had moved aside', async () => {
  const under = await agentWithPack('files')
  await under.call('POST', '/backup', withData(under, 'x', 'directory'))
  const { filename = '' } = await under.over('backup', 'x')
  const script = join(under.scripts, 'restore.sh')
  // Killed at the worst moment: the old directory is away, the new one not there yet.
  await writeFile(
    script,
    (await readFile(script, 'utf8')).replace('if ! mv -T -- "$fresh" "$directory"', 'sleep 100\n$&'),
  )
  await under.call('PUT', '/restore', restoreWithData(under, 'x', filename, 'directory'))
  const isAway = () =>
    stat(join(under.data, 'site')).then(
      () => false,
      () => true,
    )
  await until(isAway, 'the directory is away')
  await under.call('DELETE', '/restore', { id: 'x' })
  await until(async () => (await under.call('GET', '/restore/x')).status === 404, 'the job is deleted')
  expect(await readFile(join(under.data, 'site/closed/secret'), 'utf8')).toBe('two')
  expect((await run('ls', ['-A', under.data])).stdout).toBe('site\n')
})

test('the files pack says which parameter is missing', async () => {
  const under = await agentWithPack('files')
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect((await under.over('backup', 'x')).error_message).toContain('set the service instance\'s parameter "directory"')
})

test.each([
  [true, 'none', '.tar.gz'],
  [false, 'none', '.tar'],
  [true, 'a secret "key" of mine', '.tar.gz.enc'],
])(
  'the example of form 1 gives back a directory (compression %s, key %s)',
  async (compression, encryption_key, type) => {
    const under = await agentWithPack('example-form-1')
    await under.call('POST', '/backup', withData(under, 'x', 'data_directory', { compression, encryption_key }))
    const job = await under.over('backup', 'x')
    expect(job).toMatchObject({ status: 'SUCCEEDED', pre_backup_lock_errorlog: '' })
    expect(job.filename).toMatch(new RegExp(`^db-host_\\d{4}_\\d\\d_\\d\\d_site\\${type}$`))
    const stored = await readFile(join(under.bucket, 'plan', job.filename ?? ''))
    expect(stored.includes('closed/secret')).toBe(type === '.tar')
    await rm(join(under.data, 'site'), { recursive: true })
    await under.call(
      'PUT',
      '/restore',
      restoreWithData(under, 'x', job.filename ?? '', 'data_directory', { encryption_key }),
    )
    expect(await under.over('restore', 'x')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await readlink(join(under.data, 'site/link'))).toBe('../elsewhere')
    expect(await readFile(join(under.data, 'site/closed/secret'), 'utf8')).toBe('two')
  },
)
