import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTemporaryFolder, startManagerProcess, startManagerProgram, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

/** Whether an embedded PostgreSQL was not stopped: its pid file goes when it has ended. */
const isDatabaseUp = (folder: string) => existsSync(join(folder, 'postgres', 'data', 'postmaster.pid'))

/** Keeps a manager's end waiting for some seconds: half a request that it has begun to read, and whose rest never comes. */
async function sendHalfARequest(url: string): Promise<Disposable> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.write(
    `POST /backup HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TEST_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{`,
  )
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 100 /)
  return { [Symbol.dispose]: () => socket.destroy() }
}

test('SIGTERM stops the manager even if a client has sent half a request', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  using _ = await sendHalfARequest(manager.url)
  await manager.stop()
})

test.for([
  ['SIGINT', 'SIGINT'],
  ['SIGINT', 'SIGTERM'],
] as const)('%s and %s within a moment end the manager and its PostgreSQL in peace', async ([first, second]) => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  using _ = await sendHalfARequest(manager.url)
  process.kill(manager.pid, first)
  await sleep(10)
  process.kill(manager.pid, second)
  expect(await manager.ended()).toBe(0)
  expect(isDatabaseUp(folder.path)).toBe(false)
})

test('a second Ctrl-C ends the manager at once with one sentence, and its PostgreSQL all the same', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  using _ = await sendHalfARequest(manager.url)
  process.kill(manager.pid, 'SIGINT')
  await sleep(2500)
  process.kill(manager.pid, 'SIGINT')
  expect(await manager.ended()).toBe(1)
  // Besides the log, which reports the connections that PostgreSQL closes.
  const said = manager
    .output()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  expect(said.slice(2)).toEqual(['Forced to exit by a second signal. Jobs continue at their agents.', ''])
  await expect.poll(() => isDatabaseUp(folder.path)).toBe(false)
})

test('Ctrl-C while the manager starts, or while a command runs, leaves no PostgreSQL', async () => {
  await using folder = await makeTemporaryFolder()
  for (const args of [[], ['token', 'create', '--name', 'ada']]) {
    const program = startManagerProgram({ DATA_DIR: folder.path, ADMIN_TOKEN: TEST_TOKEN }, args)
    await expect.poll(() => isDatabaseUp(folder.path), { interval: 5 }).toBe(true)
    for (const _ of [1, 2]) process.kill(program.pid, 'SIGINT')
    expect([0, 1]).toContain(await program.ended())
    expect(isDatabaseUp(folder.path)).toBe(false)
  }
})

test.for([
  { name: 'SIGTERM to npm itself', send: (npm: number) => process.kill(npm, 'SIGTERM') },
  { name: "SIGINT to npm's process group, as Ctrl-C", send: (npm: number) => process.kill(-npm, 'SIGINT') },
])('$name ends the manager and its PostgreSQL', async ({ send }) => {
  await using folder = await makeTemporaryFolder()
  const npm = spawn('npm', ['start'], {
    env: { ...process.env, PORT: '0', DATA_DIR: folder.path, ADMIN_TOKEN: TEST_TOKEN, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let output = ''
  npm.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await expect.poll(() => output).toContain('The manager listens on')
  using _ = await sendHalfARequest(/listens on (\S+)/.exec(output)?.[1] ?? '')
  const closed = once(npm, 'close')
  send(npm.pid ?? Number.NaN)
  await expect.poll(() => isDatabaseUp(folder.path)).toBe(false)
  await closed
})
