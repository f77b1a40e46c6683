import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentProcess, startAgentProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { basic } from './agent-under-test.ts'

/** A quarter of these is for callers. */
const DESCRIPTORS = 400

let root: string
let agent: AgentProcess
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'agent-callers-'))
  const settings = { directory_backup: join(root, 'b'), directory_restore: join(root, 'r'), log_level: 'warn' }
  agent = await startAgentProcess({ ...settings, PATH: process.env.PATH ?? '' }, ['prlimit', `--nofile=${DESCRIPTORS}`])
})
afterAll(async () => {
  await agent.kill()
  await rm(root, { recursive: true })
})

/** Asks for the status over a connection of its own. @param localAddress - Where the call comes from. */
function statusFrom(localAddress: string, password = agent.password): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: basic(agent.username, password) }
    request(`${agent.url}/status`, { localAddress, headers, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })
}

/** Guesses 300 passwords, as many at the same time as there are connections. */
async function guess(localAddress: string): Promise<number[]> {
  const statuses: number[] = []
  for (let first = 0; first < 300; first += 50) {
    const guesses = Array.from({ length: 50 }, (_, index) => statusFrom(localAddress, `guess-${first + index}`))
    statuses.push(...(await Promise.all(guesses)))
  }
  return statuses
}

async function idleConnections(count: number, localAddress: string): Promise<Socket[]> {
  const port = Number(new URL(agent.url).port)
  const sockets = await Promise.all(
    Array.from({ length: count }, () => {
      const { promise, resolve } = Promise.withResolvers<Socket>()
      const socket = connect({ host: '127.0.0.1', port, localAddress }, () => resolve(socket))
      socket.on('error', () => resolve(socket))
      return promise
    }),
  )
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}

test('passwords are not guessed at the speed of the network, and failures are logged', async () => {
  expect(await statusFrom('127.0.0.1')).toBe(200)
  const statuses = await guess('127.0.0.2')
  expect(statuses.filter((status) => status === 401)).toHaveLength(20)
  expect(statuses.filter((status) => status === 429)).toHaveLength(280)
  // A valid caller behind that address has to wait, and is not locked out.
  await expect.poll(() => statusFrom('127.0.0.2'), { timeout: 60_000 }).toBe(200)
  expect(await statusFrom('127.0.0.1')).toBe(200)
  const log = agent.output()
  expect(log).toMatch(/"address":"127\.0\.0\.2".*authentication failed/)
  expect(log).not.toContain('guess-')

  // Guesses from the manager's own address do not lock it out.
  await guess('127.0.0.1')
  expect(await statusFrom('127.0.0.1')).toBe(200)
})

test.for(['127.0.0.1', '127.0.0.3'])('connections from %s that do nothing do not shut out callers', async (address) => {
  for (let round = 0; round < 3; round++) {
    await idleConnections(DESCRIPTORS / 4, address)
    expect(await statusFrom('127.0.0.1')).toBe(200)
  }
})
