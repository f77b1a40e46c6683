import { freePort } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createCertificates } from '../fixtures/certificates.ts'
import { fileOf, PackAgent, type Target } from './pack-agent.ts'
import { admin, RedisServer } from './redis-server.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let agent: PackAgent

beforeAll(async () => {
  agent = await PackAgent.start('redis')
})
afterAll(() => agent?.[Symbol.asyncDispose]())

test('a server is dumped and restored over TLS, if the authority of the parameter has signed its certificate', async () => {
  const certificates = await createCertificates('redis')
  const port = await freePort()
  await using server = await RedisServer.start(
    ...['databases 20', `tls-port ${port}`, 'tls-auth-clients no', `tls-ca-cert-file ${certificates.file('ca.pem')}`],
    ...[`tls-cert-file ${certificates.file('redis.pem')}`, `tls-key-file ${certificates.file('redis.key')}`],
  )
  await server.ask('SET key value\nSELECT 19\nSET other database')
  const before = await server.digest()
  const at = (parameters: Record<string, unknown>): Target => ({ port, database: 'server', login: admin, parameters })
  const refusal = { status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' }
  const unreachable = { ...refusal, error_message: expect.stringMatching(/cannot be reached/) }
  expect(await agent.backup(at({}))).toMatchObject(unreachable)
  expect(await agent.backup({ ...at({}), port: await freePort() })).toMatchObject(unreachable)
  const foreign = (await createCertificates()).file('ca.pem')
  const unknown = { ...refusal, error_message: expect.stringMatching(/certificate/) }
  expect(await agent.backup(at({ tls: true, tls_ca: foreign }))).toMatchObject(unknown)
  expect(await agent.backup(at({ tls: true }))).toMatchObject(unknown)

  const tls = { tls: true, tls_ca: certificates.file('ca.pem') }
  const filename = fileOf(await agent.backup(at(tls)))
  await server.ask('FLUSHALL\nSET only later')
  fileOf(await agent.restore(at({ ...tls, replace: true }), filename))
  expect(await server.digest()).toBe(before)

  // The temporary server of a restore has no certificate, so such a server is not even asked to drop its data.
  await server.ask('CONFIG SET tls-replication yes')
  const refused = await agent.restore(at({ ...tls, replace: true }), filename)
  expect(refused.error_message).toMatch(/replicates over TLS only/)
  expect(await server.digest()).toBe(before)
})
