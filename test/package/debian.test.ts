import { access, appendFile, chown, glob, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { freePort, makeTemporaryFolder } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildDebianPackages } from '../../tools/package/debian.ts'
import { repository, run } from '../../tools/package/workspace.ts'
import { makeDatabase } from '../manager/own-database.ts'
import { expectBackupAndRestore } from '../tools/first-backup.ts'
import { createDebianTree } from './debian-tree.ts'
import { type RootOptions, runInRoot, startInRoot } from './root-file-system.ts'

const NEXT_VERSION = '99.0.0'

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
let tree: string

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  tree = join(folder.path, 'tree')
  for (const name of ['one', 'next']) await mkdir(join(folder.path, name))
  await buildDebianPackages(join(folder.path, 'one'))
  await buildDebianPackages(join(folder.path, 'next'), { version: NEXT_VERSION, isWithoutNode: true })
  await createDebianTree(tree, ['systemd-standalone-sysusers'])
})

afterAll(() => folder[Symbol.asyncDispose]())

const packagesIn = async (name: string) =>
  (await Array.fromAsync(glob('*.deb', { cwd: join(folder.path, name) })))
    .sort()
    .map((file) => join(folder.path, name, file))

/** Runs a program in the tree; it must succeed. */
async function inTree(command: readonly string[], options: RootOptions = {}): Promise<string> {
  const { code, output } = await runInRoot(tree, command, options)
  expect([command, code, code === 0 ? '' : output]).toEqual([command, 0, ''])
  return output
}

async function install(name: string): Promise<string> {
  const paths = await packagesIn(name)
  const mounts = { '/mnt': join(folder.path, name) }
  const files = paths.map((path) => path.replace(join(folder.path, name), '/mnt'))
  return inTree(['dpkg', '--install', ...files], { mounts, env: { DEBIAN_FRONTEND: 'noninteractive' } })
}

const modeOf = async (path: string) => ((await stat(join(tree, path))).mode & 0o7777).toString(8)
const exists = (path: string) =>
  access(join(tree, path)).then(
    () => true,
    () => false,
  )

/** The account of a service in the tree. */
async function accountOf(name: string): Promise<{ uid: number; gid: number }> {
  const [, , uid, gid] = (await inTree(['getent', 'passwd', name])).split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

test('lintian finds nothing wrong with the packages', async () => {
  const paths = await packagesIn('one')
  expect(paths).toHaveLength(4)
  const options = ['--allow-root', '--fail-on', 'error,warning', '--tag-display-limit', '0']
  expect(await run('lintian', [...options, ...paths])).toBe('')
})

test.for([
  { unit: 'osb-backup-manager', threshold: 15 },
  { unit: 'osb-backup-agent', threshold: 20 },
])('the exposure of $unit is at most $threshold of 100', async ({ unit, threshold }) => {
  const path = join(repository, 'deploy/debian', `${unit}.service`)
  const options = ['--offline=true', `--threshold=${threshold}`, '--no-pager']
  expect(await run('systemd-analyze', ['security', ...options, path])).toContain('Overall exposure level')
})

test('the packages are installed, back up and restore, and are upgraded, removed and purged', async () => {
  const said = await install('one')
  expect(said).toContain('Created /etc/osb-backup/secret.key')
  expect(await modeOf('etc/osb-backup/secret.key')).toBe('600')
  for (const name of ['manager', 'agent']) expect(await modeOf(`etc/osb-backup/${name}.conf`)).toBe('640')
  for (const name of ['osb-backup', 'osb-backup-manager', 'osb-backup-agent']) {
    expect(await inTree([name, '--version'])).toBe(`${VERSION}\n`)
  }
  for (const path of ['man1/osb-backup-plan-create.1.gz', 'man8/osb-backup-agent.8.gz']) {
    expect([path, await exists(join('usr/share/man', path))]).toEqual([path, true])
  }
  await expectWorkingServices()

  const key = await readFile(join(tree, 'etc/osb-backup/secret.key'), 'utf8')
  await install('next')
  expect(await readFile(join(tree, 'etc/osb-backup/secret.key'), 'utf8')).toBe(key)
  // What was edited is kept.
  expect(await readFile(join(tree, 'etc/osb-backup/manager.conf'), 'utf8')).toContain('\nDATABASE_URL=')
  expect(await inTree(['dpkg-query', '--show', 'osb-backup-agent'])).toContain(NEXT_VERSION)

  const names = ['osb-backup', 'osb-backup-manager', 'osb-backup-agent']
  await inTree(['dpkg', '--remove', ...names])
  expect(await exists('usr/bin/osb-backup-manager')).toBe(false)
  expect(await exists('etc/osb-backup/manager.conf')).toBe(true)
  const purged = await inTree(['dpkg', '--purge', ...names])
  expect(await exists('etc/osb-backup/manager.conf')).toBe(false)
  // Nothing that backups may need is deleted.
  expect(purged).toContain('/etc/osb-backup/secret.key is kept')
  for (const path of ['etc/osb-backup/secret.key', 'var/lib/osb-backup-agent']) expect(await exists(path)).toBe(true)
})

/** Starts both services with the accounts and settings of the packages, and backs up. */
async function expectWorkingServices(): Promise<void> {
  await using database = await makeDatabase()
  const [port, agentPort] = [await freePort(), await freePort()]
  const token = 'token-of-the-debian-packages-0123456789'
  const root = '/srv/first'
  const settings = { DATABASE_URL: `'${database.url}'`, PORT: port, ADMIN_TOKEN: token, FILE_DESTINATION_ROOT: root }
  const agentSettings = {
    client_username: 'agent',
    client_password: "'se cret#1'",
    client_host: '127.0.0.1',
    client_port: agentPort,
    file_destination_root: root,
    scripts_path: '/usr/share/osb-backup/agent/script-packs/files',
  }
  for (const [name, values] of Object.entries({ manager: settings, agent: agentSettings })) {
    const lines = Object.entries(values).map(([variable, value]) => `${variable}=${value}`)
    await appendFile(join(tree, `etc/osb-backup/${name}.conf`), `\n${lines.join('\n')}\n`)
  }
  const [managerAccount, agentAccount] = [await accountOf('osb-backup-manager'), await accountOf('osb-backup-agent')]
  // What systemd does before it starts them: state directories, and the key as a credential.
  await mkdir(join(tree, 'run/credentials'), { recursive: true })
  await run('install', [
    '-m',
    '400',
    '-o',
    String(managerAccount.uid),
    join(tree, 'etc/osb-backup/secret.key'),
    join(tree, 'run/credentials/secret.key'),
  ])
  for (const [name, { uid, gid }] of Object.entries({ manager: managerAccount, agent: agentAccount })) {
    const path = join(tree, 'var/lib', `osb-backup-${name}`)
    await mkdir(path, { mode: 0o700, recursive: true })
    await chown(path, uid, gid)
  }
  const as = ({ uid, gid }: { uid: number; gid: number }) => `${uid}:${gid}`
  await using manager = startInRoot(tree, ['osb-backup-manager'], {
    account: as(managerAccount),
    // It reads what the agent stores in a directory.
    groups: [agentAccount.gid],
    env: { CREDENTIALS_DIRECTORY: '/run/credentials' },
  })
  await using agent = startInRoot(tree, ['osb-backup-agent'], { account: as(agentAccount) })
  await manager.waitFor(/The manager listens on/)
  await agent.waitFor(/listens on/)
  await expectBackupAndRestore({
    managerUrl: `http://127.0.0.1:${port}`,
    token,
    agent: { url: `http://127.0.0.1:${agentPort}`, username: 'agent', password: 'se cret#1' },
    cli: [join(tree, 'usr/lib/osb-backup/bin/node'), join(tree, 'usr/share/osb-backup/cli/osb-backup.cjs')],
    folder: join(tree, root),
    folderOfAgent: root,
    prepare: async () => {
      await run('chown', ['-R', as(agentAccount), join(tree, root)])
      await run('chmod', ['2770', join(tree, root, 'store')])
    },
  })
  // Commands of the manager use the settings and the key of the service, too.
  expect(await inTree(['osb-backup-manager', 'token', 'list'])).toContain('admin')
}
