import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import type { AgentJob } from '@osb-backup/protocol'
import { freePort, makeTemporaryFolder } from '@osb-backup/testkit'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { images } from '../../tools/package/images.ts'
import { builtProgram, readJson, repository, run } from '../../tools/package/workspace.ts'
import { basic, until } from '../agent/agent-under-test.ts'
import { makeDatabase } from '../manager/own-database.ts'
import { expectBackupAndRestore } from '../tools/first-backup.ts'
import { createDebianTree } from './debian-tree.ts'
import { ownPostgresql, ownRedis } from './image-databases.ts'
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
  })
  await createDebianTree(join(path, 'base.tar'), ['ca-certificates', 'tini', 'zstd'])
  await writeFile(join(path, 'Containerfile'), 'FROM scratch\nADD base.tar /\n')
  await run('buildah', ['build', '--tag', BASE, path])
  expect(await images()).toHaveLength(5)
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

const commandOf = ({ Entrypoint, Cmd }: Config) => [...Entrypoint, ...Cmd]

const variablesOf = ({ Env }: Config, more: Record<string, string>) => ({
  ...Object.fromEntries(Env.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)])),
  ...more,
})

test('the images back up and restore, without rights and with a read-only root file system', async () => {
  await using database = await makeDatabase()
  const [manager, agent] = [await unpack('osb-backup-manager'), await unpack('osb-backup-agent')]
  for (const { config } of [manager, agent]) {
    expect(config).toMatchObject({ User: ACCOUNT, Volumes: { '/data': {} } })
    expect(config.Labels['org.opencontainers.image.version']).toBe(VERSION)
  }
  const [port, agentPort] = [String(await freePort()), String(await freePort())]
  const token = 'token-of-the-container-images-0123456789'
  const data = {
    manager: await ownDirectory('manager-data'),
    agent: await ownDirectory('agent-data'),
    shared: await ownDirectory('shared'),
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

test.for([
  { name: 'postgresql', start: ownPostgresql },
  { name: 'redis', start: ownRedis },
])('the agent for $name has what its scripts need to back up and to restore', async ({ name, start }) => {
  const { root, config } = await unpack(`osb-backup-agent-${name}`)
  expect(config.Env).toContain(`scripts_path=/opt/osb-backup/agent/script-packs/${name}`)
  const [data, agentData, store] = [
    await ownDirectory(`${name}-database`),
    await ownDirectory(`${name}-agent`),
    await ownDirectory(`${name}-store`),
  ]
  await using database = await start({ root, account: ACCOUNT, data })
  const port = String(await freePort())
  const credentials = { username: 'agent', password: 'secret' }
  const settings = { client_port: port, client_username: credentials.username, client_password: credentials.password }
  await using agent = startInRoot(root, commandOf(config), {
    account: ACCOUNT,
    isReadOnly: true,
    mounts: { '/data': agentData, '/srv': store },
    env: variablesOf(config, { ...settings, file_destination_root: '/srv' }),
  })
  await agent.waitFor(/listens on/)
  const jobs = agentJobs(`http://127.0.0.1:${port}`, credentials)
  const common = { compression: true, encryption_key: 'none' }
  const destination = { type: 'FILE', directory: '/srv', filenamePrefix: '' }
  await database.write('good')
  const { filename, root: recorded } = await jobs('POST', '/backup', {
    ...common,
    destination,
    backup: database.access,
  })
  await database.write('damaged')
  await jobs('PUT', '/restore', {
    ...common,
    destination: { ...destination, filename, root: recorded },
    restore: database.access,
  })
  expect(await database.read()).toBe('good')
})

test('the agent for mariadb has the programs of both packs', async () => {
  const { root, config } = await unpack('osb-backup-agent-mariadb')
  expect(config.Env).toContain('scripts_path=/opt/osb-backup/agent/script-packs/mariadb')
  for (const program of ['mariadb', 'mariadb-dump', 'mariadb-backup', 'mariadbd']) {
    const { code, output } = await runInRoot(root, [program, '--version'], { account: ACCOUNT, isReadOnly: true })
    expect([program, code, output]).toEqual([program, 0, expect.stringContaining('MariaDB')])
  }
})

/** A directory that the account of the images owns. */
async function ownDirectory(name: string): Promise<string> {
  const path = join(folder.path, name)
  await mkdir(path, { mode: 0o700 })
  await run('chown', [ACCOUNT, path])
  return path
}

/** Runs jobs at an agent; each must succeed. */
function agentJobs(url: string, { username, password }: { username: string; password: string }) {
  const headers = { authorization: basic(username, password) }
  return async (method: 'POST' | 'PUT', path: string, body: object): Promise<AgentJob> => {
    const id = randomUUID()
    const started = await fetch(url + path, { method, headers, body: JSON.stringify({ id, ...body }) })
    expect([started.status, await started.text()]).toEqual([201, ''])
    const ask = async () => (await (await fetch(`${url}${path}/${id}`, { headers })).json()) as AgentJob
    await until(async () => (await ask()).status !== 'RUNNING', `${path} ends`)
    const job = await ask()
    expect([job.status, job.error_message]).toEqual(['SUCCEEDED', undefined])
    return job
  }
}

test('compose.yaml is what the compose specification allows, and starts what the images need', async () => {
  const compose = parse(await readFile(join(repository, 'deploy/image/compose.yaml'), 'utf8'))
  // dclint brings the schema of the specification; its rules of style are not ours.
  const schema = await readJson<object>(join(repository, 'node_modules/dclint/schemas/compose.schema.json'))
  const validate = new Ajv({ strict: false, validateSchema: false, validateFormats: false }).compile(schema)
  expect(validate(compose), JSON.stringify(validate.errors)).toBe(true)
  const { services } = compose
  expect(Object.keys(services).sort()).toEqual(['agent', 'manager', 'postgres', 'store'])
  for (const name of ['manager', 'agent']) {
    expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'], tmpfs: ['/tmp'] })
  }
  expect(services.manager.environment.DATABASE_URL).toContain('@postgres:5432/')
})
