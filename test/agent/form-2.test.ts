import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { agentWith, backupBody, formTwo, restoreBody, stagesRun, today } from './agent-under-test.ts'

const big = 'head -c 5000000 /dev/zero | tr "\\0" a\n'
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')

test.each([
  [false, false, '.dump'],
  [true, false, '.dump.zst'],
  [false, true, '.dump.age'],
  [true, true, '.dump.zst.age'],
])('a streamed backup comes back (compressed: %s, encrypted: %s)', async (compression, isEncrypted, type) => {
  const under = await agentWith(formTwo({ backup: big }))
  const identity = await generateIdentity()
  const recipient = await identityToRecipient(identity)
  const key = isEncrypted ? { encryption_key: recipient } : {}
  await under.call('POST', '/backup', backupBody(under, 'x', { compression, ...key }))
  const job = await under.over('backup', 'x')
  const filename = `db-host_${today()}_db1${type}`
  const stored = await readFile(join(under.bucket, 'plan', filename))
  expect(job).toMatchObject({
    status: 'SUCCEEDED',
    filename,
    filesize: { size: stored.length, unit: 'byte' },
    sha256: sha256(stored),
    original_filesize: { size: 5_000_000, unit: 'byte' },
    progress: { bytes_read: 5_000_000, bytes_stored: stored.length },
    backup_log: '',
  })
  if (compression) expect(stored.length).toBeLessThan(100_000)
  expect(await stagesRun(under)).toEqual(['pre-backup-lock', 'backup', 'backup-cleanup', 'post-backup-unlock'])

  const source = { filename, sha256: sha256(stored), size: stored.length }
  await under.call('PUT', '/restore', restoreBody(under, 'x', source, isEncrypted ? { encryption_key: identity } : {}))
  expect(await under.over('restore', 'x')).toMatchObject({ status: 'SUCCEEDED' })
  expect(sha256(await readFile(join(under.root, 'restored')))).toBe(sha256('a'.repeat(5_000_000)))
  expect(await readdir(join(under.root, 'restores'))).toEqual([])
  expect(await readdir(join(under.root, 'backups'))).toEqual([])
})

test.each([
  ['exits with 3 after streaming', `${big}exit 3\n`, 'exited with status 3'],
  ['is killed after streaming', `${big}kill -9 $$\n`, 'was killed by SIGKILL'],
  ['writes nothing', ':\n', 'wrote nothing to standard output'],
  ['leaves a process that holds its output', 'echo part; sleep 60 &\n', 'still held its standard output'],
  ['outlives its time limit', 'echo part; sleep 60\n', 'exceeded its time limit of 6 s'],
])('a dump script that %s leaves no object', async (_how, script, message) => {
  const under = await agentWith(formTwo({ backup: script }), { stage_timeout_seconds: '6' })
  await under.call('POST', '/backup', backupBody(under, 'x', { compression: true }))
  const job = await under.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  expect(job.error_message).toContain(message)
  expect(await under.objects()).toEqual([])
  expect((await stagesRun(under)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
})

test('data in the pipe at the exit of the script belongs to the dump', async () => {
  // More than the agent reads at once, and written before the script exits.
  const under = await agentWith(formTwo({ backup: 'head -c 60000 /dev/zero\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'SUCCEEDED', filesize: { size: 60_000 } })
})

test('a key that is not valid for age is rejected, and nothing is stored unencrypted', async () => {
  const under = await agentWith(formTwo())
  const { status, json } = await under.call('POST', '/backup', backupBody(under, 'x', { encryption_key: 'my key 1' }))
  expect(status).toBe(400)
  expect(json.error_message).toMatch(/^encryption_key must be "none" or age recipients/)
  const wrong = { encryption_key: `age1${'q'.repeat(58)}` }
  expect(await under.call('POST', '/backup', backupBody(under, 'y', wrong))).toMatchObject({ status: 201 })
  expect(await under.over('backup', 'y')).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
  expect(await under.objects()).toEqual([])
  const restore = restoreBody(under, 'x', { filename: 'a.dump.age' })
  expect((await under.call('PUT', '/restore', restore)).json.error_message).toMatch(
    /^encryption_key must be age identities/,
  )
})

test('no argument contains a secret, parameters have a prefix, and the key stays with the agent', async () => {
  const show = 'tr "\\0" "\\n" < /proc/$$/cmdline >&2; env | grep "^BACKUP_" | sort >&2; echo dump\n'
  const under = await agentWith(formTwo({ backup: show }))
  const body = backupBody(under, 'x')
  const backup = { ...body.backup, parameters: [{ PATH: 'p', 'dump-jobs': 4 }] }
  await under.call('POST', '/backup', { ...body, backup })
  const job = await under.over('backup', 'x')
  expect(job.status).toBe('SUCCEEDED')
  expect(String(job.backup_errorlog).trim().split('\n')).toEqual([
    'bash',
    '-o',
    'pipefail',
    join(under.scripts, 'backup'),
    'BACKUP_COMPRESSION=false',
    'BACKUP_DATABASE=db1',
    `BACKUP_DIRECTORY=${join(under.root, 'backups/x')}`,
    `BACKUP_FILENAME=db-host_${today()}_db1`,
    'BACKUP_HOST=db-host',
    'BACKUP_JOB_ID=x',
    `BACKUP_METADATA=${join(under.root, 'backups/x/.metadata.json')}`,
    'BACKUP_PARAMETER_DUMP_JOBS=4',
    'BACKUP_PARAMETER_PATH=p',
    'BACKUP_PASSWORD=***',
    'BACKUP_PORT=5432',
    'BACKUP_STAGE=backup',
    'BACKUP_USERNAME=dba',
    `BACKUP_WARNINGS=${join(under.root, 'backups/x/.warnings')}`,
  ])
})

test('a damaged object is called corrupt, and the restore script never sees it', async () => {
  const under = await agentWith(formTwo({ backup: big }))
  await under.call('POST', '/backup', backupBody(under, 'x', { compression: true }))
  const { filename = '', sha256: digest = '', filesize } = await under.over('backup', 'x')
  const path = join(under.bucket, 'plan', filename)
  const content = await readFile(path)
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
  await writeFile(path, content)
  await under.call(
    'PUT',
    '/restore',
    restoreBody(under, 'known', { filename, sha256: digest, size: filesize?.size ?? 0 }),
  )
  const known = await under.over('restore', 'known')
  expect(known).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(known.error_message).toContain('corrupt')
  expect((await stagesRun(under)).slice(-3)).toEqual(['pre-restore-lock', 'restore-cleanup', 'post-restore-unlock'])
  // Without a digest only the end shows it: the script was started, and is stopped rather than told that all came.
  await writeFile(join(under.scripts, 'restore'), 'cat > /dev/null; touch "$(dirname "$0")/../done"\n')
  await under.call('PUT', '/restore', restoreBody(under, 'unknown', { filename }))
  const unknown = await under.over('restore', 'unknown')
  expect(unknown.status).toBe('FAILED')
  expect(unknown.error_message).toContain('corrupt')
  expect(await readdir(under.root)).not.toContain('done')
})

test('a restore script may stop reading early if the object is intact', async () => {
  const under = await agentWith(formTwo({ backup: big, restore: 'head -c 10 > /dev/null\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { filename = '', sha256: digest = '' } = await under.over('backup', 'x')
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename, sha256: digest }))
  expect(await under.over('restore', 'x')).toMatchObject({ status: 'SUCCEEDED', progress: { bytes_read: 5_000_000 } })
})

test('the failure of a restore script that stops early is reported', async () => {
  const under = await agentWith(formTwo({ backup: big, restore: 'echo "no such role" >&2; exit 2\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { filename = '' } = await under.over('backup', 'x')
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename }))
  expect((await under.over('restore', 'x')).error_message).toMatch(/restore exited with status 2: no such role$/)
})

test('the restore of a missing object says that it is missing', async () => {
  const under = await agentWith(formTwo())
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename: 'nothing.dump' }))
  const job = await under.over('restore', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(job.error_message).toContain('nothing.dump')
})

test('a pack may omit stages, except backup and those that it declares', async () => {
  const { backup: _gone, ...scripts } = formTwo()
  const under = await agentWith({
    ...scripts,
    'pack.json': '{"form":2,"name":"p","type":".d","stages":["pre-backup-check"]}',
  })
  await under.call('POST', '/backup', backupBody(under, 'x'))
  expect((await under.over('backup', 'x')).error_message).toContain(`create ${join(under.scripts, 'pre-backup-check')}`)
  await writeFile(join(under.scripts, 'pack.json'), scripts['pack.json'] ?? '')
  await under.call('POST', '/backup', backupBody(under, 'y'))
  expect((await under.over('backup', 'y')).error_message).toContain(`create ${join(under.scripts, 'backup')}`)
})

test('the status tells the pack', async () => {
  const under = await agentWith(formTwo())
  const { json } = await under.call('GET', '/status')
  expect(json.scripts).toEqual({ form: 2, name: 'test', type: '.dump' })
  expect(json.capabilities).toContain('encryption.age')
})

test('scripts report warnings, and the metadata of a dump is passed to its restore', async () => {
  const under = await agentWith(
    formTwo({
      backup:
        'echo "not-dumped the table of $BACKUP_PASSWORD is left out" >>"$BACKUP_WARNINGS"\n' +
        'echo \'{"extensions":["hstore 1.7"]}\' >"$BACKUP_METADATA"\necho dump\n',
      restore: `cat >/dev/null; cat "$BACKUP_METADATA" >${'"$BACKUP_WARNINGS"'}\n`,
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { status, filename = '', root = '', warnings } = await under.over('backup', 'x')
  expect({ status, warnings }).toEqual({
    status: 'SUCCEEDED',
    warnings: [{ code: 'not-dumped', message: 'the table of *** is left out' }],
  })
  const manifest = JSON.parse(await readFile(join(under.bucket, 'plan', `${filename}.manifest.json`), 'utf8'))
  expect(manifest.metadata).toEqual({ extensions: ['hstore 1.7'] })
  await under.call('PUT', '/restore', restoreBody(under, 'x', { filename, root }))
  expect(await under.over('restore', 'x')).toMatchObject({
    status: 'SUCCEEDED',
    warnings: [{ code: 'warning', message: '{"extensions":["hstore 1.7"]}' }],
  })
  expect(await readdir(join(under.root, 'restores'))).toEqual([])
})

test('metadata that cannot be verified, for want of a root, reaches no script', async () => {
  const restore = `cat >/dev/null; [ -e "$BACKUP_METADATA" ] && echo "given it was passed" >"$BACKUP_WARNINGS"; exit 0\n`
  const under = await agentWith(formTwo({ backup: `echo '{"mode":"swap"}' >"$BACKUP_METADATA"\necho dump\n`, restore }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { filename = '', sha256 = '', root = '' } = await under.over('backup', 'x')
  const codesOf = async (id: string, source: Parameters<typeof restoreBody>[2]) => {
    await under.call('PUT', '/restore', restoreBody(under, id, source))
    const { status, warnings } = await under.over('restore', id)
    return [status, warnings?.map(({ code }) => code)]
  }
  expect(await codesOf('verified', { filename, sha256, root })).toEqual(['SUCCEEDED', ['given']])
  expect(await codesOf('unverified', { filename, sha256 })).toEqual(['SUCCEEDED', ['agent-manifest']])
})

test('metadata that is not a JSON object is a warning; the backup is stored', async () => {
  const under = await agentWith(formTwo({ backup: 'echo "{" >"$BACKUP_METADATA"\necho dump\n' }))
  await under.call('POST', '/backup', backupBody(under, 'x'))
  const { status, warnings } = await under.over('backup', 'x')
  expect({ status, codes: warnings?.map(({ code }) => code) }).toEqual({
    status: 'SUCCEEDED',
    codes: ['agent-metadata'],
  })
})
