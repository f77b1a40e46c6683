import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { FaultProxy, type ProxyFault } from './fault-proxy.ts'

/** A server that counts what reaches it, behind a proxy. */
async function serverBehindProxy() {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response.end('done')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await FaultProxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })
  const call = (timeoutMs = 30_000) =>
    fetch(`http://127.0.0.1:${proxy.port}/`, { method: 'DELETE', signal: AbortSignal.timeout(timeoutMs) }).then(
      async (response) => ({
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        text: await response.text(),
      }),
      (error: Error) => error.name,
    )
  return { proxy, call, requests: () => requests }
}

const answered = { status: 200, retryAfter: null, text: 'done' }

test('without a fault everything passes', async () => {
  const { call } = await serverBehindProxy()
  expect(await call()).toEqual(answered)
})

test.each<[ProxyFault, unknown, number]>([
  [{ kind: 'lose-responses' }, 'TypeError', 1],
  [{ kind: 'unavailable', retryAfterSeconds: 2 }, { status: 503, retryAfter: '2', text: '' }, 0],
  [{ kind: 'reset' }, 'TypeError', 0],
])('%j, until it ends', async (fault, outcome, executed) => {
  const { proxy, call, requests } = await serverBehindProxy()
  const end = proxy.inject(fault)
  expect(await call()).toEqual(outcome)
  expect(requests()).toBe(executed)
  end()
  expect(await call()).toEqual(answered)
})

test('silence lasts until it ends; then what was sent arrives', async () => {
  const { proxy, call, requests } = await serverBehindProxy()
  const end = proxy.inject({ kind: 'silence' })
  const answer = call()
  await sleep(300)
  expect(requests()).toBe(0)
  end()
  expect(await answer).toEqual(answered)
})

test('a delay comes before the answer, not before the request', async () => {
  const { proxy, call, requests } = await serverBehindProxy()
  proxy.inject({ kind: 'delay', delayMs: 60_000 })
  expect(await call(1000)).toBe('TimeoutError')
  expect(requests()).toBe(1)
})
