import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { openStore } from '@osb-backup/storage'
import { beforeAll, expect, test } from 'vitest'
import { agentWith, backupBody, formOne, formTwo, restoreBody, stagesRun, today } from '../agent/agent-under-test.ts'
import { makePlaces, places } from '../main-job/places.ts'

/** What the Java manager sends, and what it and the scripts of its time rely on. */
beforeAll(() => makePlaces())

/** A destination of the lab as the Java manager spells it. */
function javaDestination(place: 's3' | 'swift', prefix = 'plan-1/') {
  const { s3, swift } = places('')
  if (place === 's3') {
    const { endpoint, region, bucket, authKey, authSecret } = s3.destination.store
    return { type: 'S3', endpoint, region, bucket, authKey, authSecret, skipSSL: true, filenamePrefix: prefix }
  }
  const { authUrl, domain, container, projectName, username, password } = swift.destination.store
  const names = { container_name: container, project_name: projectName }
  return { type: 'SWIFT', authUrl, domain, ...names, username, password, filenamePrefix: prefix }
}

test('the answer has the fields by which the Java manager deletes a file again', async () => {
  const under = await agentWith(formOne())
  await under.call('POST', '/backup', backupBody(under, 'j', { destination: javaDestination('s3') }))
  const job = await under.over('backup', 'j')
  const { endpoint, region, bucket } = places('').s3.destination.store
  expect(job).toMatchObject({ status: 'SUCCEEDED', endpoint, region, bucket, skipSSL: true, skip_storage: false })
  const name = `${job.filenamePrefix}${job.filename}`
  expect(name).toBe(`plan-1/${job.filename}`)
  expect((await openStore(places('').s3.store).head(name))?.sizeBytes).toBe(4)
})

test.each(['s3', 'swift'] as const)('scripts that store the dump themselves get what they need (%s)', async (place) => {
  const note = 'env | grep -E "^(S3|SWIFT)_" | sort > "$(dirname "$0")/../$BACKUP_STAGE.env"\n'
  const under = await agentWith(formOne({ backup: note, 'backup-cleanup': '', restore: note, 'restore-cleanup': '' }))
  const destination = { ...javaDestination(place), skipStorage: true }
  await under.call('POST', '/backup', backupBody(under, 'j', { destination }))
  const backup = await under.over('backup', 'j')
  const filename = `db-host_${today()}_db1`
  const filesize = { size: 0, unit: 'byte' }
  expect(backup).toMatchObject({ status: 'SUCCEEDED', skip_storage: true, filename, filesize })
  const { s3, swift } = places('')
  const expected = {
    s3: [
      `S3_AUTHKEY=${s3.store.accessKeyId}`,
      `S3_AUTHSECRET=${s3.store.secretAccessKey}`,
      `S3_BUCKET=${s3.store.bucket}`,
      `S3_ENDPOINT=${s3.store.endpoint}`,
      'S3_FILENAMEPREFIX=plan-1/',
      `S3_REGION=${s3.store.region}`,
      'S3_SKIPSSL=true',
    ],
    swift: [
      `SWIFT_AUTHURL=${swift.store.authUrl}`,
      `SWIFT_CONTAINERNAME=${swift.store.container}`,
      `SWIFT_DOMAIN=${swift.store.domain}`,
      `SWIFT_PASSWORD=${swift.store.password}`,
      `SWIFT_PROJECTNAME=${swift.store.projectName}`,
      `SWIFT_USERNAME=${swift.store.username}`,
    ],
  }[place]
  expect((await under.read('backup.env')).trim().split('\n')).toEqual(expected)

  const source = { ...destination, filename }
  await under.call('PUT', '/restore', restoreBody(under, 'j', source, { destination: source }))
  expect(await under.over('restore', 'j')).toMatchObject({ status: 'SUCCEEDED', skip_storage: true })
  expect((await under.read('restore.env')).trim().split('\n')).toEqual(expected)
})

test('an agent may be set to leave the storage to its scripts, and to an endpoint for requests without one', async () => {
  const backup = 'echo "$S3_ENDPOINT" > "$(dirname "$0")/../endpoint"\n'
  const settings = { skip_storage: 'true', default_s3_endpoint: 'http://minio.example:9000' }
  const under = await agentWith(formOne({ backup, 'backup-cleanup': '' }), settings)
  const destination = { ...javaDestination('s3'), endpoint: '' }
  await under.call('POST', '/backup', backupBody(under, 'j', { destination }))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({ status: 'SUCCEEDED', skip_storage: true, endpoint: 'http://minio.example:9000' })
  expect(await under.read('endpoint')).toBe('http://minio.example:9000\n')
})

test('an agent that stores what scripts print cannot leave that to them', async () => {
  const under = await agentWith(formTwo())
  const destination = { ...javaDestination('s3'), skipStorage: true }
  const { status, json } = await under.call('POST', '/backup', backupBody(under, 'j', { destination }))
  expect({ status, message: json.error_message }).toEqual({
    status: 400,
    message: 'skipStorage is for scripts of form 1: here the agent stores what the scripts print',
  })
})

test('the directory of a job is for the scripts to create, and mkdir without -p works', async () => {
  const under = await agentWith(
    formOne({
      'pre-backup-lock': '[ ! -e "$directory_backup/j" ]\n',
      backup:
        'set -e\nrmdir "$directory_backup/$6"\nmkdir "$directory_backup/$6"\nprintf dump > "$directory_backup/$6/$5.tar"\n',
      'backup-cleanup': 'rm -r "$directory_backup/$2"\n',
      'pre-restore-lock': 'set -e\nmkdir "$directory_restore/$1"\n',
      restore: 'cp "$directory_restore/$6/$5" "$scripts_path/../restored"\n',
      'restore-cleanup': 'rm -r "$directory_restore/$1"\n',
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect({ status: job.status, error: job.error_message }).toEqual({ status: 'SUCCEEDED', error: undefined })
  await under.call('PUT', '/restore', restoreBody(under, 'j', { filename: String(job.filename) }))
  const restore = await under.over('restore', 'j')
  expect({ status: restore.status, error: restore.error_message }).toEqual({ status: 'SUCCEEDED', error: undefined })
  expect(await readFile(join(under.root, 'restored'), 'utf8')).toBe('dump')
  for (const left of ['backups/j', 'restores/j']) await expect(stat(join(under.root, left))).rejects.toThrow('ENOENT')
})

test('warnings of scripts are kept although they create the directory of the job', async () => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'echo "old-script I am old" >> "$BACKUP_WARNINGS"\n' }))
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(job.warnings).toEqual([{ code: 'old-script', message: 'I am old' }])
})

test('an object that an old agent stored in Swift without a prefix is restored', async () => {
  const { store } = places('').swift
  const filename = `2021_04_13_08_00_10.0.0.5_db${Date.now()}.tar.gz`
  await openStore(store).put(filename, Readable.from([Buffer.from('old dump')]))
  const under = await agentWith(formOne())
  const destination = { ...javaDestination('swift'), filename }
  await under.call('PUT', '/restore', restoreBody(under, 'j', { filename }, { destination, compression: true }))
  const job = await under.over('restore', 'j')
  expect({ status: job.status, error: job.error_message }).toEqual({ status: 'SUCCEEDED', error: undefined })
  expect(await under.read('restored')).toBe('old dump')
  expect(await stagesRun(under)).toEqual(['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock'])
  await openStore(store).remove(filename)
})

test.each([['5432'], [0], ['none'], [null]])('the port %j does not fail a request', async (port) => {
  const under = await agentWith(formOne({ 'pre-backup-lock': 'printenv BACKUP_PORT || echo none\n' }))
  const { backup } = backupBody(under, 'j')
  await under.call('POST', '/backup', backupBody(under, 'j', { backup: { ...backup, port } }))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({ status: 'SUCCEEDED', pre_backup_lock_log: port === '5432' ? '5432\n' : 'none\n' })
})
