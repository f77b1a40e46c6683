import { readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { makeTemporaryFolder, startManagerProgram, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, credentials, formTwo } from '../agent/agent-under-test.ts'
import { createCertificates } from '../fixtures/certificates.ts'
import { startManagerOnDatabase } from './own-database.ts'

/** Starts a manager that ends with the test. */
async function managerWith(settings: Record<string, string>) {
  const running = await startManagerOnDatabase(settings)
  onTestFinished(() => running[Symbol.asyncDispose]())
  return running.manager
}

interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any
  serial: string
  socket: TLSSocket
}

/** Calls the API over TLS. */
function call(url: string, agent: Agent, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TEST_TOKEN}`, ...(body && { 'content-type': 'application/json' }) }
    const asked = request(url + path, { agent, method, headers }, (answer) => {
      const socket = answer.socket as TLSSocket
      const serial = socket.getPeerCertificate().serialNumber
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, json: JSON.parse(text || '{}'), serial, socket }),
      )
    })
    asked.on('error', reject).end(body && JSON.stringify(body))
  })
}

test('manager and agent authenticate each other, and renewed certificates drop no connection', async () => {
  const { file, sign } = await createCertificates('manager', 'agent')
  const ca = await readFile(file('ca.pem'))
  const manager = await managerWith({
    TLS_CERTIFICATE_FILE: file('manager.pem'),
    TLS_KEY_FILE: file('manager.key'),
    AGENT_CA_FILE: file('ca.pem'),
    AGENT_CERTIFICATE_FILE: file('manager.pem'),
    AGENT_KEY_FILE: file('manager.key'),
    LOG_LEVEL: 'info',
  })
  expect(manager.url).toMatch(/^https:/)
  const agentTls = { tls_certificate_file: file('agent.pem'), tls_key_file: file('agent.key') }
  const mutual = await agentWith(formTwo(), { ...agentTls, tls_client_ca_file: file('ca.pem') })
  const foreign = await createCertificates('agent')
  const impostor = await agentWith(formTwo(), {
    tls_certificate_file: foreign.file('agent.pem'),
    tls_key_file: foreign.file('agent.key'),
  })
  const open = new Agent({ ca, keepAlive: true, maxSockets: 1 })
  onTestFinished(() => open.destroy())

  const stateOf = async (url: string) => {
    const { json } = await call(manager.url, open, 'POST', '/v1/agents', { name: url, url, ...credentials })
    return (await call(manager.url, open, 'POST', `/v1/agents/${json.id}/check`)).json
  }
  expect(await stateOf(mutual.agent.url)).toMatchObject({ state: 'reachable' })
  expect(await stateOf(impostor.agent.url)).toMatchObject({ state: 'unreachable' })

  const before = await call(manager.url, open, 'GET', '/v1/version')
  await writeFile(file('manager.pem'), 'broken')
  await expect.poll(() => manager.output(), { timeout: 60_000 }).toMatch(/TLS_CERTIFICATE_FILE .*the old one stays/)
  const fresh = () => call(manager.url, new Agent({ ca }), 'GET', '/v1/version')
  expect(await fresh()).toMatchObject({ status: 200, serial: before.serial })
  await sign('manager')
  await expect.poll(async () => (await fresh()).serial, { timeout: 60_000, interval: 500 }).not.toBe(before.serial)
  const after = await call(manager.url, open, 'GET', '/v1/version')
  expect(after.status).toBe(200)
  expect(after.socket).toBe(before.socket)
  expect(await stateOf(mutual.agent.url)).toMatchObject({ state: 'reachable' })
})

test('without the certificate that an agent requires the manager cannot call it, and says so', async () => {
  const { file } = await createCertificates('agent')
  const manager = await managerWith({ AGENT_CA_FILE: file('ca.pem') })
  const { agent } = await agentWith(formTwo(), {
    tls_certificate_file: file('agent.pem'),
    tls_key_file: file('agent.key'),
    tls_client_ca_file: file('ca.pem'),
  })
  const created = await manager.client.agents.create({ name: 'a', url: agent.url, ...credentials })
  expect(await manager.client.agents.check(created.id)).toMatchObject({ state: 'unreachable' })
})

test('plain HTTP for other machines is a warning, or forbidden', async () => {
  await using folder = await makeTemporaryFolder()
  const forbidden = startManagerProgram({ DATA_DIR: folder.path, HOST: '0.0.0.0', PLAIN_HTTP: 'forbid' })
  expect(await forbidden.ended()).toBe(1)
  expect(forbidden.output()).toMatch(/^PLAIN_HTTP is forbidden: .*TLS_CERTIFICATE_FILE/m)
  const halfway = startManagerProgram({ DATA_DIR: folder.path, TLS_KEY_FILE: '/k' })
  expect(await halfway.ended()).toBe(1)
  expect(halfway.output()).toContain('TLS_CERTIFICATE_FILE must be set with TLS_KEY_FILE.')

  // Nor are passwords sent to agents in plain text.
  const { client } = await managerWith({ PLAIN_HTTP: 'forbid' })
  const { id } = await client.agents.create({ url: 'http://192.0.2.1:8000', username: 'agent', password: 'secret' })
  const error = expect.stringContaining('PLAIN_HTTP is forbidden, so its url must begin with https://')
  expect(await client.agents.check(id)).toMatchObject({ state: 'unreachable', error })
})

test('only a trusted proxy says where a call comes from', async () => {
  const trusting = await managerWith({ HOST: '0.0.0.0', TRUSTED_PROXIES: '127.0.0.0/8,::1' })
  const plain = await managerWith({})
  expect(trusting.output()).toContain('in plain text to HOST 0.0.0.0')
  for (const [{ url, token }, address] of [
    [trusting, '192.0.2.7'],
    [plain, '127.0.0.1'],
  ] as const) {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.9, 192.0.2.7' }
    await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/v1/tokens`, { method: 'POST', headers })
    const answer = await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/v1/audit-entries`, { headers })
    expect(((await answer.json()) as { items: object[] }).items[0]).toMatchObject({ address })
  }
})
