import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { freePort, makeTemporaryFolder } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { images } from '../../tools/package/images.ts'
import { builtProgram, repository, run } from '../../tools/package/workspace.ts'
import { makeDatabase } from '../manager/own-database.ts'
import { expectBackupAndRestore } from '../tools/first-backup.ts'
import { createDebianTree } from './debian-tree.ts'
import { runInRoot, startInRoot } from './root-file-system.ts'

/** The account of the images. */
const ACCOUNT = '10001:10001'
const BASE = 'localhost/osb-backup-test-base'

interface Config {
  User: string
  Env: string[]
  Entrypoint: string[]
  Cmd: string[]
  Labels: Record<string, string>
  Volumes: Record<string, object>
  Healthcheck: { Test: string[] }
}

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
const environment = { ...process.env }

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  const { path } = folder
  const storage = `[storage]\ndriver = "vfs"\ngraphroot = "${path}/graph"\nrunroot = "${path}/run"\n`
  await writeFile(join(path, 'storage.conf'), storage)
  Object.assign(process.env, {
    CONTAINERS_STORAGE_CONF: join(path, 'storage.conf'),
    BUILDAH_ISOLATION: 'chroot',
    IMAGE_BASE: BASE,
    IMAGE_TARGETS: 'manager,agent-base,agent-postgresql',
  })
  await createDebianTree(join(path, 'base.tar'), ['ca-certificates', 'tini', 'zstd'])
  await writeFile(join(path, 'Containerfile'), 'FROM scratch\nADD base.tar /\n')
  await run('buildah', ['build', '--tag', BASE, path])
  expect(await images()).toHaveLength(3)
})

afterAll(async () => {
  await run('buildah', ['rm', '--all'])
  process.env = environment
  await folder[Symbol.asyncDispose]()
})

/** The root file system of an image, and how it is started. */
async function unpack(image: string): Promise<{ root: string; config: Config }> {
  const container = (await run('buildah', ['from', '--pull=never', `localhost/${image}:${VERSION}`])).trim()
  const root = (await run('buildah', ['mount', container])).trim()
  const { Docker } = JSON.parse(await run('buildah', ['inspect', '--type', 'image', `localhost/${image}:${VERSION}`]))
  return { root, config: Docker.config }
}

const variablesOf = ({ Env }: Config, more: Record<string, string>) => ({
  ...Object.fromEntries(Env.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)])),
  ...more,
})

test('the images back up and restore, without rights and with a read-only root file system', async () => {
  await using database = await makeDatabase()
  const { path } = folder
  const [manager, agent] = [await unpack('osb-backup-manager'), await unpack('osb-backup-agent')]
  for (const { config } of [manager, agent]) {
    expect(config).toMatchObject({ User: ACCOUNT, Volumes: { '/data': {} } })
    expect(config.Labels['org.opencontainers.image.version']).toBe(VERSION)
  }
  const [port, agentPort] = [String(await freePort()), String(await freePort())]
  const token = 'token-of-the-container-images-0123456789'
  const data = { manager: join(path, 'manager-data'), agent: join(path, 'agent-data'), shared: join(path, 'shared') }
  for (const each of Object.values(data)) {
    await mkdir(each, { mode: 0o700 })
    await run('chown', [ACCOUNT, each])
  }
  const managerOptions = {
    account: ACCOUNT,
    isReadOnly: true,
    mounts: { '/data': data.manager, '/srv': data.shared },
    env: variablesOf(manager.config, {
      DATABASE_URL: database.url,
      PORT: port,
      ADMIN_TOKEN: token,
      FILE_DESTINATION_ROOT: '/srv',
    }),
  }
  const agentOptions = {
    account: ACCOUNT,
    isReadOnly: true,
    mounts: { '/data': data.agent, '/srv': data.shared },
    env: variablesOf(agent.config, {
      client_port: agentPort,
      client_username: 'agent',
      client_password: 'secret',
      file_destination_root: '/srv',
    }),
  }
  const commandOf = ({ Entrypoint, Cmd }: Config) => [...Entrypoint, ...Cmd]
  await using runningManager = startInRoot(manager.root, commandOf(manager.config), managerOptions)
  await using runningAgent = startInRoot(agent.root, commandOf(agent.config), agentOptions)
  await runningManager.waitFor(/The manager listens on/)
  await runningAgent.waitFor(/listens on/)
  for (const [{ root, config }, options] of [
    [manager, managerOptions],
    [agent, agentOptions],
  ] as const) {
    const [, ...check] = config.Healthcheck.Test
    expect(await runInRoot(root, check, options)).toEqual({ code: 0, output: '' })
    const free = { ...options, env: { ...options.env, PORT: '9', client_port: '9' } }
    expect((await runInRoot(root, check, free)).code).toBe(1)
  }
  await expectBackupAndRestore({
    managerUrl: `http://127.0.0.1:${port}`,
    token,
    agent: { url: `http://127.0.0.1:${agentPort}`, username: 'agent', password: 'secret' },
    cli: [process.execPath, join(await builtProgram('cli'), 'osb-backup.cjs')],
    folder: data.shared,
    folderOfAgent: '/srv',
    prepare: async () => {
      await run('chown', ['-R', ACCOUNT, data.shared])
    },
  })
})

test('the agent for PostgreSQL has its client, and its scripts are the pack', async () => {
  const { root, config } = await unpack('osb-backup-agent-postgresql')
  expect(config.Env).toContain('scripts_path=/opt/osb-backup/agent/script-packs/postgresql')
  const { code, output } = await runInRoot(root, ['pg_dump', '--version'], { account: ACCOUNT, isReadOnly: true })
  expect([code, output]).toEqual([0, expect.stringMatching(/^pg_dump \(PostgreSQL\) \d+/)])
})

test('compose.yaml starts what the images need', async () => {
  const { services } = parse(await readFile(join(repository, 'deploy/image/compose.yaml'), 'utf8'))
  expect(Object.keys(services).sort()).toEqual(['agent', 'manager', 'postgres', 'store'])
  for (const name of ['manager', 'agent']) {
    expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'] })
  }
  expect(services.manager.environment.DATABASE_URL).toContain('@postgres:5432/')
})
