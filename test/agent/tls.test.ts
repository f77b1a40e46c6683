import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { agentWith, basic, credentials, formTwo } from './agent-under-test.ts'

const run = promisify(execFile)
const authorization = basic(credentials.username, credentials.password)

/** Creates a CA, a certificate for 127.0.0.1 and one for a client. */
async function certificates(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'agent-tls-'))
  onTestFinished(() => rm(path, { recursive: true }))
  const openssl = (...words: string[]) => run('openssl', words, { cwd: path })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2')
  await writeFile(join(path, 'names'), 'subjectAltName=IP:127.0.0.1')
  for (const name of ['server', 'client']) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    await openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed)
  }
  return path
}

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
  const path = await certificates()
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
    /^tls_certificate_file, tls_key_file and tls_client_ca_file do not work: /,
  )
  await expect(agentWith(formTwo(), { ...tls, tls_key_file: '/nowhere' })).rejects.toThrow(
    /^tls_key_file cannot be read/,
  )
})
