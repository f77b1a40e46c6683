import { access, appendFile, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildRpmPackages } from '../../tools/package/rpm.ts'
import { run } from '../../tools/package/workspace.ts'
import { createDebianTree } from './debian-tree.ts'
import { runInRoot } from './root-file-system.ts'

const NEXT_VERSION = '99.0.0'
const names = ['osb-backup', 'osb-backup-agent', 'osb-backup-manager', 'osb-backup-nodejs'] as const

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
let tree: string
let packages: string[]

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  tree = join(folder.path, 'tree')
  await mkdir(join(folder.path, 'next'))
  packages = await buildRpmPackages(folder.path)
  // RPM itself does everything else: the tree only has what its scripts call.
  await createDebianTree(tree, ['systemd-standalone-sysusers'])
})

afterAll(() => folder[Symbol.asyncDispose]())

/** Runs rpm on the tree, whose scripts run in it. Its dependencies are packages of Debian, which RPM does not know. */
const rpm = (...args: string[]) => run('rpm', ['--root', tree, '--nodeps', ...args])

async function inTree(command: readonly string[]): Promise<string> {
  const { code, output } = await runInRoot(tree, command)
  expect([command, code]).toEqual([command, 0])
  return output
}

const exists = (path: string) =>
  access(join(tree, path)).then(
    () => true,
    () => false,
  )

test('the packages say what they need, and their files are whole', async () => {
  const found = await run('rpm', [
    '--query',
    '--package',
    '--queryformat',
    '%{NAME} %{VERSION} %{ARCH}\\n',
    ...packages,
  ])
  const node = packages.find((path) => path.includes('nodejs')) ?? ''
  const [, architecture] = /\.([^.]+)\.rpm$/.exec(node) ?? []
  const archOf = (name: string) => (name === 'osb-backup-nodejs' ? architecture : 'noarch')
  expect(found.trim().split('\n').sort()).toEqual(names.map((name) => `${name} ${VERSION} ${archOf(name)}`))
  expect(await run('rpm', ['--query', '--package', '--requires', node])).toMatch(/^libc\.so\.6\(GLIBC_/m)
  for (const path of packages.filter((each) => each !== node)) {
    const requires = await run('rpm', ['--query', '--package', '--requires', path])
    expect([path, requires]).toEqual([path, expect.stringContaining('(osb-backup-nodejs or nodejs >= 24)')])
  }
  expect(await run('rpm', ['--checksig', '--nosignature', ...packages])).not.toContain('NOT OK')
})

test('the packages are installed, upgraded and erased, and keep what backups may need', async () => {
  const said = await rpm('--install', ...packages)
  expect(said).toContain('Created /etc/osb-backup/secret.key')
  const key = await readFile(join(tree, 'etc/osb-backup/secret.key'), 'utf8')
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  const accounts = (await inTree(['getent', 'group'])).split('\n')
  for (const name of ['manager', 'agent']) {
    const { mode, gid } = await stat(join(tree, `etc/osb-backup/${name}.conf`))
    expect([name, mode & 0o7777]).toEqual([name, 0o640])
    expect(accounts).toContainEqual(expect.stringMatching(`^osb-backup-${name}:x:${gid}:`))
  }
  for (const name of ['osb-backup', 'osb-backup-manager', 'osb-backup-agent']) {
    expect(await inTree([name, '--version'])).toBe(`${VERSION}\n`)
  }
  // Groups that the scripts changed are no difference to what was packaged.
  expect(await rpm('--verify', '--nogroup', ...names)).toBe('')

  await appendFile(join(tree, 'etc/osb-backup/manager.conf'), '\nPORT=8081\n')
  const next = await buildRpmPackages(join(folder.path, 'next'), { version: NEXT_VERSION })
  await rpm('--upgrade', ...next)
  expect(await run('rpm', ['--root', tree, '--query', 'osb-backup-manager'])).toContain(NEXT_VERSION)
  expect(await readFile(join(tree, 'etc/osb-backup/manager.conf'), 'utf8')).toContain('PORT=8081')
  expect(await readFile(join(tree, 'etc/osb-backup/secret.key'), 'utf8')).toBe(key)

  await rpm('--erase', ...names)
  for (const path of ['usr/bin/osb-backup-manager', 'usr/share/osb-backup', 'usr/lib/osb-backup']) {
    expect([path, await exists(path)]).toEqual([path, false])
  }
  for (const path of ['etc/osb-backup/secret.key', 'etc/osb-backup/manager.conf.rpmsave']) {
    expect([path, await exists(path)]).toEqual([path, true])
  }
})
