import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type AgentUnderTest, agentWith, backupBody, formOne, formTwo, restoreBody, today } from './agent-under-test.ts'
import { processesBelow } from './kill-processes.ts'

const isRoot = process.getuid?.() === 0

/** An agent whose scripts run as nobody, in directories which that account may enter. */
async function agentAsNobody(scripts: Record<string, string>, settings: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'agent-account-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await chmod(root, 0o711)
  await mkdir(join(root, 'scripts'), { mode: 0o755 })
  for (const [name, text] of Object.entries(scripts)) await writeFile(join(root, 'scripts', name), text)
  await writeFile(join(root, 'seen'), '', { mode: 0o666 })
  await chmod(join(root, 'seen'), 0o666)
  const paths = { directory_backup: 'backups', directory_restore: 'restores', state_directory: 'state' }
  const directories = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, join(root, path)]))
  const under = await agentWith(
    {},
    { ...directories, scripts_path: join(root, 'scripts'), script_user: 'nobody', ...settings },
  )
  return { under, root, seen: join(root, 'seen') }
}

async function succeeds(under: AgentUnderTest, kind: 'backup' | 'restore', id: string): Promise<void> {
  const job = await under.over(kind, id)
  expect([job.status, job.error_message]).toEqual(['SUCCEEDED', undefined])
}

const plain = (scripts: Record<string, string>) =>
  // The stages are noted in a directory that this account cannot write to.
  Object.fromEntries(Object.entries(scripts).map(([name, text]) => [name, text.replace(/^echo "\$\(basename.*\n/, '')]))

test.runIf(isRoot)('scripts of form 2 run under another account, and cannot read the journal', async () => {
  const { under, root, seen } = await agentAsNobody(
    plain(
      formTwo({
        backup: [
          'cd "$(dirname "$0")/.."; { id -u; id -g; echo "$HOME"; ls state; cat /proc/$PPID/environ; } >> seen 2>&1',
          'echo "check A warning of the script." >> "$BACKUP_WARNINGS"',
          'echo \'{"version":1}\' > "$BACKUP_METADATA"; touch "$BACKUP_DIRECTORY/scratch"; ln -s /etc "$BACKUP_DIRECTORY/link"',
          'echo message > /dev/stderr; printf dump | tee /dev/stderr\n',
        ].join('\n'),
        restore: 'cat > "$BACKUP_DIRECTORY/restored"; cat "$BACKUP_DIRECTORY/restored" >> "$(dirname "$0")/../seen"\n',
      }),
    ),
  )
  await under.call('POST', '/backup', backupBody(under, 'j'))
  await succeeds(under, 'backup', 'j')
  const { json: job } = await under.call('GET', '/backup/j')
  expect(job.warnings).toEqual([{ code: 'check', message: 'A warning of the script.' }])
  await under.call(
    'PUT',
    '/restore',
    restoreBody(under, 'r', { filename: job.filename, sha256: job.sha256, root: job.root }),
  )
  await succeeds(under, 'restore', 'r')
  const text = await readFile(seen, 'utf8')
  expect(text.split('\n').slice(0, 3)).toEqual(['65534', expect.stringMatching(/^\d+$/), '/nonexistent'])
  expect(text).toMatch(/state.*Permission denied/)
  expect(text).toMatch(/environ: Permission denied/)
  expect(text).not.toContain('agent-secret-1')
  expect(text.endsWith('dump')).toBe(true)
  expect(await readdir(join(root, 'backups'))).toEqual([])
  expect(await stat('/etc')).toMatchObject({ uid: 0 })
})

test.runIf(isRoot)('scripts of form 1 run under another account, and find the file that was downloaded', async () => {
  const { under, seen } = await agentAsNobody(
    plain(
      formOne({
        backup: 'printf dump > "$BACKUP_DIRECTORY/$5.tar"\n',
        restore: '{ id -u; cat "$BACKUP_DIRECTORY/$5"; } >> "$(dirname "$0")/../seen"\n',
      }),
    ),
  )
  await under.call('POST', '/backup', backupBody(under, 'j'))
  await succeeds(under, 'backup', 'j')
  const { json: job } = await under.call('GET', '/backup/j')
  await under.call('PUT', '/restore', restoreBody(under, 'r', { filename: job.filename, sha256: job.sha256 }))
  await succeeds(under, 'restore', 'r')
  expect(await readFile(seen, 'utf8')).toBe('65534\ndump')
})

test.runIf(isRoot)('a dump that is a hard link to a file of the agent is not stored', async () => {
  const { under, root } = await agentAsNobody(
    plain(formOne({ backup: 'sleep 0.1; until [ -e "$BACKUP_DIRECTORY/$5" ]; do sleep 0.1; done\n' })),
  )
  await writeFile(join(root, 'secret'), 'secret of root', { mode: 0o600 })
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const directory = join(root, 'backups', 'j')
  await expect.poll(() => readdir(directory).catch(() => undefined)).toEqual([])
  const { json } = await under.call('GET', '/backup/j')
  expect(json.status).toBe('RUNNING')
  await link(join(root, 'secret'), join(directory, `db-host_${today()}_db1`))
  expect(await under.over('backup', 'j')).toMatchObject({ status: 'FAILED' })
  expect(await under.objects()).toEqual([])
})

test.runIf(isRoot)('scripts of form 1 lead the agent into no directory that they may not enter', async () => {
  const exchange = (directory: string) => `rm -rf "${directory}"; ln -s "$(dirname "$0")/../private" "${directory}"`
  const { under, root } = await agentAsNobody(
    plain(
      formOne({
        backup: [
          'printf dump > "$BACKUP_DIRECTORY/$5.tar"; echo "check Of the script." > "$BACKUP_WARNINGS"',
          `${exchange('$(dirname "$BACKUP_WARNINGS")')}\n`,
        ].join('\n'),
        restore: 'cat "$BACKUP_DIRECTORY/$5" > /dev/null\n',
        'post-restore-cleanup': `${exchange('$BACKUP_DIRECTORY')}\n`,
      }),
    ),
  )
  const files = ['.warnings', '.metadata.json', 'dump', 'dump.partial']
  await mkdir(join(root, 'private'), { mode: 0o700 })
  for (const name of files) await writeFile(join(root, 'private', name), 'secret of root')
  await mkdir(join(under.bucket, 'plan'), { recursive: true })
  await writeFile(join(under.bucket, 'plan', 'dump'), 'dump')

  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(JSON.stringify(job)).not.toContain('secret of root')
  await under.call('PUT', '/restore', restoreBody(under, 'r', { filename: 'dump' }))
  await succeeds(under, 'restore', 'r')
  expect((await readdir(join(root, 'private'))).toSorted()).toEqual(files.toSorted())
})

test.runIf(isRoot)(
  'the processes of scripts under another account end with their stage, and on cancellation',
  async () => {
    const { under, root } = await agentAsNobody(
      plain(formTwo({ backup: '(setsid sleep 1000 >/dev/null 2>&1 </dev/null &) ; echo dump; exec sleep 1000\n' })),
    )
    await under.call('POST', '/backup', backupBody(under, 'j'))
    await expect.poll(async () => (await processesBelow(root)).length, { timeout: 60_000 }).toBeGreaterThan(1)
    await under.call('DELETE', '/backup', { id: 'j', keep_result: true })
    expect(await under.over('backup', 'j')).toMatchObject({ status: 'FAILED' })
    expect(await processesBelow(root)).toEqual([])
  },
)

test('an account that cannot be used stops the start with advice', async () => {
  await expect(agentWith(formTwo(), { script_user: 'no-such-account' })).rejects.toThrow(
    'script_user no-such-account is not an account of this machine.',
  )
  if (!isRoot) return
  // The directories of other tests are closed to everybody else.
  await expect(agentWith(formTwo(), { script_user: 'nobody' })).rejects.toThrow(
    /cannot use directory_backup: run chmod/,
  )
  const root = await mkdtemp(join(tmpdir(), 'agent-account-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const inside = { directory_backup: root, state_directory: join(root, '.state'), script_user: 'nobody' }
  await expect(agentWith(formTwo(), inside)).rejects.toThrow(/^state_directory must be outside of directory_backup/)
})
