import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { basic, formTwo, until } from './agent-under-test.ts'

const main = join(import.meta.dirname, '../../packages/agent/src/main.ts')

/** Runs the agent's program to its end. */
const program = (environment: Record<string, string>, ...options: string[]) =>
  runToEnd([process.execPath, main, ...options], environment)

/** Runs a command to its end, in a process group of its own. */
async function runToEnd([command = '', ...args]: string[], environment: Record<string, string>) {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const texts = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    texts.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    texts.error += chunk
  })
  return { child, texts, ended: once(child, 'close').then(([status]) => status as number | null) }
}

async function settings(): Promise<Record<string, string> & { root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'agent-main-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  for (const folder of ['scripts', 'bucket']) await mkdir(join(root, folder))
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return {
    root,
    client_username: 'u',
    client_password: 'a-password-1',
    client_host: '127.0.0.1',
    client_port: String(port),
    directory_backup: join(root, 'backups'),
    directory_restore: join(root, 'restores'),
    scripts_path: join(root, 'scripts'),
    file_destination_root: root,
    shutdown_grace_seconds: '0',
  }
}

test('the help lists the settings', async () => {
  const { texts, ended } = await program({}, '--help')
  expect(await ended).toBe(0)
  expect(texts.out).toContain('client_username')
  expect(texts.out).toContain('stage_timeout_seconds')
})

test.each([
  [{ client_password: '' }, 'client_password must be set: callers authenticate with it.\n'],
  [{ scripts_path: '/nowhere' }, 'scripts_path is not a directory: /nowhere.\n'],
  [{ max_job_number: 'many' }, 'max_job_number must be a whole number from 1 to 1000.\n'],
  [{ directory_backup: '/dev/null/x' }, /^directory_backup is not a writable directory: [^\n]*\.\n$/],
  // Node's recursive mkdir never returns there.
  [{ directory_restore: '/proc/backups/x' }, /^directory_restore is not a writable directory: [^\n]*\.\n$/],
  [{ state_directory: '/proc/backups/x' }, /^state_directory is not a writable directory: [^\n]*\.\n$/],
  [{ client_host: '192.0.2.1' }, /^client_host and client_port cannot be listened on: [^\n]*\.\n$/],
])('%j stops the start with one sentence', async (changes, message) => {
  const { texts, ended } = await program({ ...(await settings()), ...changes } as Record<string, string>)
  expect(await ended).toBe(1)
  if (typeof message === 'string') expect(texts.error).toBe(message)
  else expect(texts.error).toMatch(message)
})

/** An agent whose backup is just running, a minute long by default; `ran` are the stages until now. */
async function busyAgent({ graceSeconds = '0', backup = 'sleep 60', command = [process.execPath, main] }) {
  const environment: Awaited<ReturnType<typeof settings>> = await settings()
  environment.shutdown_grace_seconds = graceSeconds
  const { root, client_port } = environment
  for (const [name, text] of Object.entries(formTwo({ backup: `echo "$BACKUP_PASSWORD" >&2; ${backup}\n` }))) {
    await writeFile(join(root, 'scripts', name), text)
  }
  const agent = await runToEnd(command, environment)
  const url = `http://127.0.0.1:${client_port}`
  const headers = { authorization: basic('u', 'a-password-1') }
  await until(
    () =>
      fetch(`${url}/status`, { headers }).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the agent listens',
  )
  const body = JSON.stringify({
    id: 'x',
    encryption_key: 'none',
    destination: { type: 'FILE', directory: join(root, 'bucket') },
    backup: { host: 'h', username: 'u', password: 'db-password-1', database: 'd' },
  })
  expect((await fetch(`${url}/backup`, { method: 'POST', headers, body })).status).toBe(201)
  const ran = () => readFile(join(root, 'stages'), 'utf8').catch(() => '')
  await until(async () => (await ran()).includes('backup \n'), 'the script runs')
  return { ...agent, environment, ran }
}

const allStages = 'pre-backup-lock \nbackup \nbackup-cleanup \npost-backup-unlock \n'

test('SIGTERM cancels running jobs, unlocks, and stops the agent; its log contains no secret', async () => {
  const { child, texts, ended, ran } = await busyAgent({})
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(await ran()).toBe(allStages)
  expect(texts.out).toContain('"status":"FAILED"')
  for (const secret of ['a-password-1', 'db-password-1']) expect(texts.out + texts.error).not.toContain(secret)
})

const graceful = { graceSeconds: '30', backup: 'sleep 2; printf dump' }

test('two signals in quick succession leave running jobs the grace period', async () => {
  const { child, texts, ended, ran } = await busyAgent(graceful)
  child.kill('SIGINT')
  await sleep(10)
  child.kill('SIGINT')
  expect(await ended).toBe(0)
  expect(await ran()).toBe(allStages)
  expect(texts.out).toContain('"status":"SUCCEEDED"')
})

test('so does Ctrl-C below npm, which forwards the signal of the terminal', async () => {
  const { child, texts, ended, ran } = await busyAgent({ ...graceful, command: ['npm', 'run', 'agent'] })
  process.kill(-(child.pid ?? Number.NaN), 'SIGINT')
  await ended
  expect(await ran()).toBe(allStages)
  expect(texts.out).toContain('"status":"SUCCEEDED"')
})

test('a second Ctrl-C forces the agent to exit with one sentence; its next start finishes the jobs', async () => {
  const { child, texts, ended, ran, environment } = await busyAgent({ graceSeconds: '60' })
  child.kill('SIGINT')
  await sleep(2500)
  child.kill('SIGINT')
  expect(await ended).toBe(1)
  expect(texts.error).toBe(
    'Forced to exit by a second signal. The next start of the agent finishes the interrupted jobs.\n',
  )
  expect(await ran()).toBe('pre-backup-lock \nbackup \n')
  const next = await program(environment)
  await until(async () => (await ran()) === allStages, 'the next agent cleans up and unlocks')
  next.child.kill('SIGTERM')
  expect(await next.ended).toBe(0)
})
