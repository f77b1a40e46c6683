import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentSettingsSections } from '@osb-backup/agent'
import { managerSettingsSections } from '@osb-backup/manager'
import { makeTemporaryFolder, startAgentProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { writeJobs } from '../../tools/package/bosh.ts'
import { repository } from '../../tools/package/workspace.ts'
import { runProgram } from '../tools/built-programs.ts'

interface Spec {
  name: string
  templates: Record<string, string>
  packages: string[]
  properties: Record<string, { description?: string; default?: unknown }>
}

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  await writeJobs(join(folder.path, 'release'))
})

afterAll(() => folder[Symbol.asyncDispose]())

const jobFolder = (job: string) => join(folder.path, 'release/jobs', job)
const specOf = async (job: string): Promise<Spec> => parse(await readFile(join(jobFolder(job), 'spec'), 'utf8'))

async function tryRender(job: string, template: string, properties: object, links: object = {}) {
  const spec = await specOf(job)
  const defaults = Object.fromEntries(
    Object.entries(spec.properties).flatMap(([name, property]) =>
      'default' in property ? [[name, property.default]] : [],
    ),
  )
  const path = join(jobFolder(job), 'templates', template)
  const command = ['ruby', join(import.meta.dirname, 'render-template.rb'), path]
  return runProgram(command, { cwd: folder.path, input: JSON.stringify({ defaults, properties, links }) })
}

async function render(job: string, template: string, properties: object, links: object = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRender(job, template, properties, links)
  expect([template, code, stderr]).toEqual([template, 0, ''])
  return stdout.toString()
}

const manager = { database_url: 'postgresql://db/osb', secret_key: 'a'.repeat(64) }
const agent = { client_username: 'agent', client_password: `pa'ss "word` }

test.for([
  ['backup-manager', managerSettingsSections],
  ['backup-agent', agentSettingsSections],
] as const)('%s has its files, and a described property for every setting', async ([job, sections]) => {
  const spec = await specOf(job)
  expect(spec.name).toBe(job)
  expect((await readdir(join(jobFolder(job), 'templates'))).sort()).toEqual(Object.keys(spec.templates).sort())
  expect(await readFile(join(jobFolder(job), 'monit'), 'utf8')).toContain(`bpm start ${job}`)
  for (const name of spec.packages) {
    const described = parse(await readFile(join(folder.path, 'release/packages', name, 'spec'), 'utf8'))
    expect(described.name).toBe(name)
  }
  for (const name of sections.flatMap(({ table }) => Object.keys(table))) {
    expect([name, spec.properties[name.toLowerCase()]?.description]).toEqual([name, expect.stringMatching(/\w/)])
  }
})

test('the scripts that the templates render are valid', async () => {
  for (const [job, properties] of [
    ['backup-manager', manager],
    ['backup-agent', agent],
  ] as const) {
    for (const template of ['pre-start.erb', 'post-start.erb', 'drain.erb']) {
      for (const tls of [{}, { 'tls.certificate': 'C', 'tls.private_key': 'K' }]) {
        const script = await render(job, template, { ...properties, ...tls })
        const path = join(folder.path, 'script')
        await writeFile(path, script)
        const checked = await runProgram(['bash', '-n', path], { cwd: folder.path })
        expect([template, checked.code, checked.stderr]).toEqual([template, 0, ''])
      }
    }
  }
})

test('the manager gets its settings, its key from a file, and a database by link', async () => {
  const [process] = parse(
    await render('backup-manager', 'bpm.yml.erb', { ...manager, trusted_proxies: ['10.0.0.0/8', '::1'] }),
  ).processes
  expect(process).toMatchObject({
    name: 'backup-manager',
    env: {
      DATABASE_URL: manager.database_url,
      PORT: '8080',
      HOST: '0.0.0.0',
      TRUSTED_PROXIES: '10.0.0.0/8,::1',
      SECRET_KEY_FILE: expect.stringMatching(/secret\.key$/),
    },
  })
  expect(process.env.SECRET_KEY).toBeUndefined()
  expect((await render('backup-manager', 'secret.key.erb', manager)).trim()).toBe(manager.secret_key)

  const database = { instances: [{ address: '10.0.0.1' }, { address: '10.0.0.2' }], properties: { port: 5524 } }
  const linked = { secret_key: manager.secret_key, 'database.password': 'p@ss' }
  const [other] = parse(await render('backup-manager', 'bpm.yml.erb', linked, { database })).processes
  expect(other.env.DATABASE_URL).toBe('postgresql://osb_backup:p%40ss@10.0.0.1:5524,10.0.0.2:5524/osb_backup')

  const missing = await tryRender('backup-manager', 'bpm.yml.erb', {})
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('Set database_url, or link a database.') })
})

test('the agent finds the scripts of the former job, or those of a pack', async () => {
  const environment = async (properties: object) =>
    parse(await render('backup-agent', 'bpm.yml.erb', { ...agent, ...properties })).processes[0].env
  const { scripts_path, client_password, client_port } = await environment({})
  // The default of the agent: /var/vcap/jobs/backup-agent/backup.
  expect([scripts_path, client_password, client_port]).toEqual([undefined, agent.client_password, '8000'])
  expect(await environment({ script_pack: 'mariadb' })).toMatchObject({
    scripts_path: '/var/vcap/packages/backup-agent/script-packs/mariadb',
  })
  expect(await environment({ 'tls.certificate': 'C', 'tls.private_key': 'K' })).toMatchObject({
    tls_key_file: '/var/vcap/jobs/backup-agent/config/tls.key',
  })
})

test('a drain waits for running jobs, and no longer than its limit', async () => {
  const { path } = folder
  const running = await startAgentProcess({
    directory_backup: join(path, 'backup'),
    directory_restore: join(path, 'restore'),
    scripts_path: join(repository, 'script-packs/files'),
  })
  try {
    const { port } = new URL(running.url)
    const account = { client_username: running.username, client_password: running.password, client_port: Number(port) }
    const check = join(path, 'running-jobs.js')
    await writeFile(check, await render('backup-agent', 'running-jobs.js.erb', account))
    const idle = await runProgram([process.execPath, check], { cwd: path })
    expect(idle).toMatchObject({ code: 1, stderr: '' })
    expect(idle.stdout.toString()).toBe('running jobs: 0\n')
  } finally {
    await running.stop()
  }
  // With another program in the place of the check, the drain asks to be called again until it says that nothing runs.
  const state = join(path, 'drain-since')
  const drain = async (check: string, timeout: number) => {
    const script = await render('backup-agent', 'drain.erb', { ...agent, drain_timeout_seconds: timeout })
    const file = join(path, 'drain')
    await writeFile(
      file,
      script
        .replace('/var/vcap/data/backup-agent/drain-since', state)
        .replace(/\/var\/vcap\/packages\S+ \/var\/vcap\S+/, check),
    )
    await chmod(file, 0o755)
    return (await runProgram([file], { cwd: path })).stdout.toString().trim()
  }
  expect(await drain('true', 3600)).toBe('-5')
  expect(await drain('true', 3600)).toBe('-5')
  expect(await drain('false', 3600)).toBe('0')
  expect(await drain('true', 0)).toBe('0')
})

test('the ops file adds the agent with its password and certificate', async () => {
  const operations: { type: string; path: string; value: { name?: string } }[] = parse(
    await readFile(join(folder.path, 'release/ops/colocate-agent.yml'), 'utf8'),
  )
  expect(operations.every(({ type, path }) => type === 'replace' && path.startsWith('/'))).toBe(true)
  const spec = await specOf('backup-agent')
  const job = operations.find(({ path }) => path.includes('jobs/name=backup-agent'))?.value as { properties: object }
  for (const name of Object.keys(job.properties)) {
    expect([
      name,
      Object.keys(spec.properties).some((known) => known === name || known.startsWith(`${name}.`)),
    ]).toEqual([name, true])
  }
})
