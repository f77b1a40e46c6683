import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { createCertificates } from '../fixtures/certificates.ts'
import { agentWith, basic, credentials, formTwo } from './agent-under-test.ts'

const authorization = basic(credentials.username, credentials.password)

/** Asks for the status over TLS, with what the caller shows. */
async function statusOver(url: string, options: { ca: Buffer; cert?: Buffer; key?: Buffer }): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/status`, { ...options, headers: { authorization }, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    })
    asked.on('error', reject).end()
  })
}

test('with a certificate the agent listens on TLS, and with a CA it requires one of its callers', async () => {
  const { path } = await createCertificates('server', 'client')
  const file = (name: string) => readFile(join(path, name))
  const tls = { tls_certificate_file: join(path, 'server.pem'), tls_key_file: join(path, 'server.key') }
  const [ca, cert, key] = await Promise.all([file('ca.pem'), file('client.pem'), file('client.key')])

  const open = await agentWith(formTwo(), tls)
  expect(open.agent.url).toMatch(/^https:/)
  expect(await statusOver(open.agent.url, { ca })).toBe(200)
  await expect(fetch(open.agent.url.replace('https', 'http'))).rejects.toThrow()

  const closed = await agentWith(formTwo(), { ...tls, tls_client_ca_file: join(path, 'ca.pem') })
  await expect(statusOver(closed.agent.url, { ca })).rejects.toThrow()
  expect(await statusOver(closed.agent.url, { ca, cert, key })).toBe(200)

  await expect(agentWith(formTwo(), { ...tls, tls_key_file: join(path, 'client.key') })).rejects.toThrow(
    /^tls_certificate_file and tls_key_file do not work: /,
  )
  await expect(agentWith(formTwo(), { ...tls, tls_key_file: '/nowhere' })).rejects.toThrow(
    /^tls_key_file cannot be read/,
  )
})

/** The serial number of the certificate that a server presents. */
function serialOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    }).on('error', reject)
  })
}

test('a renewed certificate is served without a restart, and a broken one is not', async () => {
  const { file, sign } = await createCertificates('server')
  const settings = { tls_certificate_file: file('server.pem'), tls_key_file: file('server.key') }
  const { agent } = await agentWith(formTwo(), settings)
  const first = await serialOf(agent.url)
  await writeFile(file('server.key'), 'broken')
  await sign('server')
  await expect.poll(() => serialOf(agent.url), { timeout: 60_000, interval: 500 }).not.toBe(first)
})

test('plain HTTP for other machines is forbidden by a setting', async () => {
  const settings = { client_host: '0.0.0.0', plain_http: 'forbid' }
  await expect(agentWith(formTwo(), settings)).rejects.toThrow(/^plain_http is forbidden: .*tls_certificate_file/)
  const { file } = await createCertificates('server')
  const tls = { tls_certificate_file: file('server.pem'), tls_key_file: file('server.key') }
  expect((await agentWith(formTwo(), { ...settings, ...tls })).agent.url).toMatch(/^https:/)
  await agentWith(formTwo(), { plain_http: 'forbid' })
})
