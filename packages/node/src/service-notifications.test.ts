import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { notifyReady, readSupervision } from './service-notifications.ts'

const fail = (error: unknown) => {
  throw error
}

test('without systemd nothing is sent', async () => {
  expect(readSupervision({ WATCHDOG_USEC: '1000' })).toEqual({})
  expect(readSupervision({ NOTIFY_SOCKET: '/run/notify' })).toEqual({ notifySocket: '/run/notify' })
  expect(readSupervision({ NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '30000000' })).toEqual({
    notifySocket: '/s',
    watchdogMs: 30_000,
  })
  await notifyReady({}, fail)
})

/** Prints the messages that arrive at the socket. */
const receiver = `import socket, sys
receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiving.bind(sys.argv[1])
print("bound", flush=True)
while True: print(receiving.recv(4096).decode().split(), flush=True)`

const isMissing = ['systemd-notify', 'python3'].some((program) => spawnSync(program, ['--version']).status !== 0)

test.skipIf(isMissing)('systemd hears that the service is ready, and then signs of life', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'osb-backup-notify-'))
  const socket = join(folder, 'socket')
  const python = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  let received = ''
  python.stdout.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  const closed = once(python, 'close')
  const ending = new AbortController()
  // One that is under way when the receiver ends fails.
  const onFailure = (error: unknown) => {
    if (!ending.signal.aborted) fail(error)
  }
  try {
    await expect.poll(() => received).toContain('bound')
    await notifyReady({ notifySocket: socket, watchdogMs: 300 }, onFailure, ending.signal)
    await expect.poll(() => received).toMatch(/READY=1[\s\S]*WATCHDOG=1[\s\S]*WATCHDOG=1/)
  } finally {
    ending.abort()
    python.kill('SIGKILL')
    await closed
    await rm(folder, { recursive: true })
  }
  const failures: unknown[] = []
  await notifyReady({ notifySocket: socket }, (error) => failures.push(error))
  expect(failures).toHaveLength(1)
})
