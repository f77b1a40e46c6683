import { chmod, chown, lchown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, backupBody, formOne, formTwo, restoreBody, stagesRun } from './agent-under-test.ts'

/** An account that is neither root nor the one of the tests. */
const OTHER = 65_534
const isRoot = process.getuid?.() === 0

async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'agent-host-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test.for(['directory_backup', 'directory_restore', 'state_directory'])(
  'a %s that every account may write to is rejected with advice',
  async (setting) => {
    const path = join(await temporaryDirectory(), 'open')
    await mkdir(path)
    for (const mode of [0o777, 0o1777]) {
      await chmod(path, mode)
      await expect(agentWith(formTwo(), { [setting]: path })).rejects.toThrow(
        `${setting} is not safe: every account may write to ${path}. Run: chmod o-w ${path}`,
      )
    }
    await chmod(path, 0o750)
    await agentWith(formTwo(), { [setting]: path })
  },
)

test('a directory below one that every account may write to is rejected', async () => {
  const path = await temporaryDirectory()
  await chmod(path, 0o777)
  await expect(agentWith(formTwo(), { directory_backup: join(path, 'a', 'b') })).rejects.toThrow(`chmod o-w ${path}`)
})

test.runIf(isRoot)('a directory below one that another account may exchange is rejected with advice', async () => {
  const path = await temporaryDirectory()
  const start = () => agentWith(formTwo(), { directory_backup: join(path, 'a', 'b') })
  await mkdir(join(path, 'a'))
  await chown(join(path, 'a'), OTHER, OTHER)
  await expect(start()).rejects.toThrow(
    `${join(path, 'a')} belongs to the account ${OTHER}, which can replace what is in it. Check the content, and run: chown 0 `,
  )
  await chown(join(path, 'a'), 0, OTHER)
  await chmod(join(path, 'a'), 0o770)
  await expect(start()).rejects.toThrow(
    `other accounts of the group ${OTHER} may write to ${join(path, 'a')}. Run: chmod g-w ${join(path, 'a')}`,
  )
  // No account is in this group, as with the volumes of Kubernetes.
  await chown(join(path, 'a'), 0, 1_000_777)
  await start()
})

test.runIf(isRoot)('a state_directory of another account is rejected, and so is a file of one in it', async () => {
  const path = join(await temporaryDirectory(), 'state')
  await mkdir(path, { mode: 0o700 })
  await chown(path, OTHER, OTHER)
  const start = () => agentWith(formTwo(), { state_directory: path })
  await expect(start()).rejects.toThrow(/belongs to the account 65534, and the agent runs as 0: .*chown -R 0 /)
  await chown(path, 0, 0)
  await writeFile(join(path, 'planted'), '')
  await chown(join(path, 'planted'), OTHER, OTHER)
  await expect(start()).rejects.toThrow(`${join(path, 'planted')} of state_directory belongs to the account 65534`)
})

test('a symbolic link in state_directory is rejected', async () => {
  const root = await temporaryDirectory()
  const path = join(root, 'state')
  await mkdir(path)
  await symlink(root, join(path, 'code'))
  await expect(agentWith(formTwo(), { state_directory: path })).rejects.toThrow(
    `state_directory contains the symbolic link ${join(path, 'code')}`,
  )
})

test.runIf(isRoot)(
  'symbolic links of other accounts are rejected in the directories and on the way to them',
  async () => {
    const root = await temporaryDirectory()
    const [real, link] = [join(root, 'real'), join(root, 'link')]
    await mkdir(real)
    await symlink(real, link)
    // One of the administrator is how directories are moved to another disk.
    await agentWith(formTwo(), { directory_backup: link })
    await lchown(link, OTHER, OTHER)
    await expect(agentWith(formTwo(), { directory_backup: link })).rejects.toThrow(
      `directory_backup leads through ${link}, a symbolic link of another account. Remove it: rm ${link}`,
    )
    const planted = join(real, 'job')
    await symlink('/etc', planted)
    await lchown(planted, OTHER, OTHER)
    await expect(agentWith(formTwo(), { directory_restore: real })).rejects.toThrow(
      `directory_restore contains ${planted}, a symbolic link of another account`,
    )
  },
)

test.for([
  ['form 1', formOne],
  ['form 2', formTwo],
] as const)('a job of %s whose directory is a link fails before anything is locked', async ([, scripts]) => {
  const elsewhere = await temporaryDirectory()
  const under = await agentWith(scripts())
  await symlink(elsewhere, join(under.root, 'backups', 'j'))
  await under.call('POST', '/backup', backupBody(under, 'j'))
  const job = await under.over('backup', 'j')
  expect(job).toMatchObject({ status: 'FAILED', error_message: expect.stringContaining('is a symbolic link') })
  expect(await stagesRun(under)).toEqual([])
})

test.runIf(isRoot)('a job whose directory belongs to another account fails', async () => {
  const under = await agentWith(formTwo())
  const path = join(under.root, 'backups', 'j')
  await mkdir(path)
  await chown(path, OTHER, OTHER)
  await under.call('POST', '/backup', backupBody(under, 'j'))
  expect(await under.over('backup', 'j')).toMatchObject({
    status: 'FAILED',
    error_message: expect.stringContaining('belongs to the account 65534'),
  })
})

test('links that are planted in the directory of a job lead neither dump nor download elsewhere', async () => {
  const elsewhere = await temporaryDirectory()
  const victim = join(elsewhere, 'victim')
  await writeFile(victim, 'precious')
  const under = await agentWith(
    formOne({
      backup: `ln -s ${victim} "$BACKUP_DIRECTORY/$5.tar.gz"\n`,
      'pre-restore-lock': `mkdir -p "$BACKUP_DIRECTORY"; ln -s ${victim} "$BACKUP_DIRECTORY/dump.partial"\n`,
    }),
  )
  await under.call('POST', '/backup', backupBody(under, 'j'))
  expect(await under.over('backup', 'j')).toMatchObject({ status: 'FAILED' })
  expect(await under.objects()).toEqual([])

  await mkdir(join(under.bucket, 'plan'), { recursive: true })
  await writeFile(join(under.bucket, 'plan', 'dump'), 'restored')
  await under.call('PUT', '/restore', restoreBody(under, 'r', { filename: 'dump' }))
  expect(await under.over('restore', 'r')).toMatchObject({ status: 'SUCCEEDED' })
  expect(await readFile(victim, 'utf8')).toBe('precious')
})

const withParameters = (parameters: object[]) => ({
  backup: { host: 'h', username: 'u', password: 'p', database: 'd', type: 'AGENT', parameters },
})

test('parameters that client libraries interpret are rejected, unless the settings list them', async () => {
  const scripts = formOne({ 'pre-backup-lock': 'env > "$(dirname "$0")/../env"\n' })
  const plain = await agentWith(scripts)
  const rejected = backupBody(plain, 'j', withParameters([{ PGHOSTADDR: '192.0.2.1' }]))
  expect((await plain.call('POST', '/backup', rejected)).json.error_message).toMatch(
    /^parameter "PGHOSTADDR" is rejected/,
  )

  const listing = await agentWith(scripts, { allowed_parameters: 'PGPORT, size' })
  const parameters = [{ PGPORT: '5433', PGHOSTADDR: '192.0.2.1', size: 3, unlisted: 'x' }]
  await listing.call('POST', '/backup', backupBody(listing, 'j', withParameters(parameters)))
  expect(await listing.over('backup', 'j')).toMatchObject({ status: 'SUCCEEDED' })
  const variables = (await listing.read('env')).split('\n')
  expect(variables).toEqual(expect.arrayContaining(['PGPORT=5433', 'size=3']))
  expect(variables.filter((line) => /^(PGHOSTADDR|unlisted)=/.test(line))).toEqual([])
})

test.for([
  ['169.254.169.254', {}],
  ['127.0.0.1', { private_destinations: 'forbid' }],
  ['localhost', { private_destinations: 'forbid' }],
] as const)('the agent does not connect to a store at %s', async ([host, settings]) => {
  const under = await agentWith(formTwo(), { ...settings, store_outage_seconds: '0' })
  const destination = { type: 'S3', endpoint: `http://${host}:9`, bucket: 'b', authKey: 'k', authSecret: 's' }
  await under.call('POST', '/backup', backupBody(under, 'j', { destination }))
  expect(await under.over('backup', 'j')).toMatchObject({
    status: 'FAILED',
    error_message: expect.stringContaining('ERR_ADDRESS_FORBIDDEN'),
  })
})
