import { createHash } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentWith, backupBody, formOne, restoreBody, stagesRun, today } from './agent-under-test.ts'

test('a backup and its restore give back the bytes, with the published arguments', async () => {
  const under = await agentWith(formOne())
  expect(await under.call('POST', '/backup', backupBody(under, 'j0'))).toMatchObject({ status: 201, text: '' })
  const backup = await under.over('backup', 'j0')
  const filename = `db-host_${today()}_db1.tar.gz`
  expect(backup).toMatchObject({
    status: 'SUCCEEDED',
    message: 'backup successfully carried out',
    state: 'finished',
    type: 'FILE',
    compression: false,
    filename,
    filesize: { size: 4, unit: 'byte' },
    sha256: createHash('sha256').update('dump').digest('hex'),
  })
  expect(backup).not.toHaveProperty('error_message')
  expect(backup.start_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/)
  expect(await under.objects()).toEqual([`plan/${filename}`])
  expect(await under.read(`bucket/plan/${filename}`)).toBe('dump')
  const base = `db-host_${today()}_db1`
  expect((await under.read('stages')).split('\n')).toEqual([
    'pre-backup-lock db1',
    'pre-backup-check db1',
    `backup db-host dba db-password-1 db1 ${base} j0 false none`,
    'backup-cleanup db1 j0',
    'post-backup-unlock db1',
    '',
  ])

  const source = { filename, sha256: String(backup.sha256), size: 4 }
  expect(await under.call('PUT', '/restore', restoreBody(under, 'j0', source))).toMatchObject({ status: 201 })
  expect(await under.over('restore', 'j0')).toMatchObject({
    status: 'SUCCEEDED',
    message: 'restore successfully carried out',
  })
  expect(await under.read('restored')).toBe('dump')
  expect((await under.read('stages')).split('\n').slice(5)).toEqual([
    'pre-restore-lock j0',
    `restore db-host dba db-password-1 db1 ${filename} j0 false none`,
    'restore-cleanup j0',
    'post-restore-unlock ',
    '',
  ])
})

test('parameters reach every script under their names, numbers as written, and nothing of the agent does', async () => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'env > "$(dirname "$0")/../env"\n' }))
  const body = JSON.stringify(backupBody(under, 'j')).replace(
    '"type":"AGENT"',
    '"parameters":[{"big":1000000,"exact":1.50},{"Mixed_Case":"a b","flag":true}]',
  )
  await under.call('POST', '/backup', body)
  expect(await under.over('backup', 'j')).toMatchObject({ status: 'SUCCEEDED' })
  const variables = (await under.read('env')).trim().split('\n')
  expect(variables).toEqual(expect.arrayContaining(['big=1000000', 'exact=1.50', 'Mixed_Case=a b', 'flag=true']))
  const names = variables.map((line) => line.split('=')[0] ?? '').filter((name) => !name.startsWith('BACKUP_'))
  expect(names.toSorted()).toEqual(
    [
      ...['HOME', 'LANG', 'Mixed_Case', 'PATH', 'PWD', 'SHLVL', 'TMPDIR', '_', 'big', 'exact', 'flag'],
      ...['directory_backup', 'directory_restore', 'scripts_path'],
    ].toSorted(),
  )
})

test('scripts open their standard streams by name', async () => {
  const under = await agentWith(
    formOne({
      'pre-backup-lock':
        'set -e\necho locked > /dev/stderr\necho both | tee /dev/stderr\ncat /dev/stdin > /dev/stdout\n',
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({ status: 'SUCCEEDED', pre_backup_lock_log: 'both\n' })
  expect(job.pre_backup_lock_errorlog).toBe('locked\nboth\n')
})

test.each([
  ['no file', ':', 'left no file'],
  ['an empty file', ': > "$BACKUP_DIRECTORY/$5.tar"', 'empty file'],
  ['only a hidden file', 'echo x > "$BACKUP_DIRECTORY/.x"', 'left no file'],
  ['only a link', 'ln -s /etc/passwd "$BACKUP_DIRECTORY/$5"', 'left no file'],
  [
    'two files, neither with the required name',
    'echo 1 > "$BACKUP_DIRECTORY/a"; echo 2 > "$BACKUP_DIRECTORY/b"',
    'several files',
  ],
])('a backup that leaves %s fails', async (_case, script, message) => {
  const under = await agentWith(formOne({ backup: `${script}\n` }))
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'upload', message: 'backup failed' })
  expect(job.error_message).toContain(message)
  expect(await under.objects()).toEqual([])
  expect((await stagesRun(under)).slice(-2)).toEqual(['backup-cleanup', 'post-backup-unlock'])
})

test('of several files the one with the expected name is the dump', async () => {
  const script = 'echo log > "$BACKUP_DIRECTORY/a.log"; printf dump > "$BACKUP_DIRECTORY/$5.sql"\n'
  const under = await agentWith(formOne({ backup: script }))
  await under.call('POST', '/backup', backupBody(under, 'j'))
  expect(await under.over('backup', 'j')).toMatchObject({ status: 'SUCCEEDED', filename: `db-host_${today()}_db1.sql` })
})

test('a file that is in the directory of the job before it begins does not count as the dump', async () => {
  const under = await agentWith(formOne({ backup: ':' }))
  await mkdir(join(under.root, 'backups/j'), { recursive: true })
  await writeFile(join(under.root, 'backups/j', `db-host_${today()}_db1.tar.gz`), 'an old dump')
  expect(await under.call('POST', '/backup', backupBody(under, 'j'))).toMatchObject({ status: 201 })
  expect((await under.over('backup', 'j')).error_message).toContain('left no file')
})

test('files that scripts left behind are deleted only where that is allowed', async () => {
  const under = await agentWith(formOne({ 'backup-cleanup': '' }), { allowed_to_delete_files: 'true' })
  await under.call('POST', '/backup', backupBody(under, 'j'))
  await under.over('backup', 'j')
  expect(await readdir(join(under.root, 'backups'))).toEqual([])
})

test('if a name is taken, the time is added before its type, and nothing is overwritten', async () => {
  const under = await agentWith(formOne())
  for (const id of ['a', 'b']) {
    await under.call('POST', '/backup', backupBody(under, id))
    expect(await under.over('backup', id)).toMatchObject({ status: 'SUCCEEDED' })
  }
  const [first, second] = await under.objects()
  expect(first).toBe(`plan/db-host_${today()}_db1.tar.gz`)
  expect(second).toMatch(/_db1_\d{6}\.tar\.gz$/)
})

test('concurrent jobs never use the same name', async () => {
  const under = await agentWith(formOne())
  const ids = ['a', 'b', 'c', 'd', 'e']
  const body = (id: string, index: number) => {
    const { backup, ...rest } = backupBody(under, id)
    return { ...rest, backup: { ...backup, port: 5432 + index } }
  }
  await Promise.all(ids.map((id, index) => under.call('POST', '/backup', body(id, index))))
  const jobs = await Promise.all(ids.map((id) => under.over('backup', id)))
  expect(jobs.map((job) => job.status)).toEqual(ids.map(() => 'SUCCEEDED'))
  expect(new Set(jobs.map((job) => job.filename)).size).toBe(5)
  expect(await under.objects()).toHaveLength(5)
})

test('a script without the plain name is found with .sh, and a missing one is a failure that names the file', async () => {
  const { backup = '', 'backup-cleanup': _gone, ...others } = formOne()
  const under = await agentWith({ ...others, 'backup.sh': backup })
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({
    status: 'FAILED',
    failed_stage: 'backup-cleanup',
    filename: `db-host_${today()}_db1.tar.gz`,
  })
  expect(job.error_message).toContain(`create ${join(under.scripts, 'backup-cleanup')}`)
  expect((await stagesRun(under)).at(-1)).toBe('post-backup-unlock')
})

test('an object that differs from what was recorded never reaches the restore script', async () => {
  const under = await agentWith(formOne())
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const { filename = '' } = await under.over('backup', 'j')
  const body = restoreBody(under, 'r', { filename, sha256: '0'.repeat(64) })
  await under.call('PUT', '/restore', body)
  const job = await under.over('restore', 'r')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'download' })
  expect(job.error_message).toContain('corrupt')
  expect((await stagesRun(under)).slice(-2)).toEqual(['pre-restore-lock', 'post-restore-unlock'])
  expect(await readdir(join(under.root, 'restores'))).toEqual([])
})
