import { TEST_TOKEN } from '@osb-backup/testkit'
import { describe, expect, test } from 'vitest'
import {
  admin,
  bearer,
  call,
  callEverything,
  createToken,
  ids,
  instance,
  operations,
  useAccessFixture,
} from './access-fixture.ts'

/** A forged token of an identity provider, without a valid signature. */
const unsignedToken = [{ alg: 'none' }, { sub: 'eve', scope: 'osb-backup.admin', exp: 4_000_000_000 }, '']
  .map((part) => (part === '' ? '' : Buffer.from(JSON.stringify(part)).toString('base64url')))
  .join('.')

useAccessFixture()

describe('every operation that the API describes', () => {
  test('is refused without a token and with an expired, a revoked or a forged one', async () => {
    const expiresAt = Date.now() + 5000
    const expired = await createToken({ role: 'admin', expiresAt: new Date(expiresAt).toISOString() })
    const revoked = await createToken({ role: 'admin' })
    expect((await call('GET', '/tokens', bearer(revoked.token))).status).toBe(200)
    expect((await call('DELETE', `/tokens/${revoked.id}`, admin)).status).toBe(204)
    await new Promise((resolve) => setTimeout(resolve, expiresAt + 100 - Date.now()))
    for (const proof of [
      undefined,
      bearer(expired.token),
      bearer(revoked.token),
      bearer(`${TEST_TOKEN}x`),
      bearer(unsignedToken),
      `Basic ${btoa('a:b')}`,
    ]) {
      for (const [operation, { status }] of await callEverything(proof)) {
        expect([operation, [401, 429].includes(status)]).toEqual([operation, true])
      }
    }
  })

  test("shows and changes nothing of another's instance, and does not reveal that it exists", async () => {
    const theirs = await createToken({ role: 'operator', serviceInstances: ['theirs'] })
    for (const [operation, { status, text }] of await callEverything(bearer(theirs.token))) {
      if (operation === 'GET /serviceInstances') {
        expect(
          JSON.parse(text).content.map((each: { service_instance_id: string }) => each.service_instance_id),
        ).toEqual(['theirs'])
      } else if (/^GET \/events$|^GET \/v1\/[\w-]+$/.test(operation)) {
        // Lists show what was granted; events are filtered one by one: events.test.ts.
        expect([operation, [200, 403].includes(status)]).toEqual([operation, true])
      } else {
        expect([operation, [400, 403, 404].includes(status)]).toEqual([operation, true])
        if (status === 400) expect(text).toContain('There is no service instance')
      }
      expect(text).not.toContain('nightly')
      if (operation.startsWith('GET')) {
        expect([operation, Object.values(ids).filter((id) => text.includes(id) && status < 300)]).toEqual([
          operation,
          [],
        ])
      }
    }
    expect((await call('GET', `/backupPlans/${ids.plan}`, admin)).body.name).toBe('nightly')
    expect((await call('GET', `/restorePoints/${ids.point}`, admin)).body).toMatchObject({ held: false, item: 'db1' })
    const unknown = await call('GET', '/backupPlans/000000000000000000000000', bearer(theirs.token))
    const foreign = await call('GET', `/backupPlans/${ids.plan}`, bearer(theirs.token))
    expect(foreign.text.replace(ids.plan, 'ID')).toBe(unknown.text.replace('000000000000000000000000', 'ID'))
  })

  test('lets a viewer read and change nothing', async () => {
    const viewer = await createToken({ role: 'viewer', serviceInstances: ['mine'] })
    for (const [operation, { status }] of await callEverything(bearer(viewer.token))) {
      // Anyone who reads an object has the data; a viewer sees only that it is there.
      const forOthers =
        /tokens|brokerAccounts|broker-accounts|audit|notification|managers|service-brokers|restore-points\/[^/]+\/object/.test(
          operation,
        )
      // None was provisioned, so there is none to be shown.
      const found = /^GET .v1.(provisioned-instances|clones).\{id\}$/.test(operation) ? 404 : 200
      expect([operation, status]).toEqual([operation, operation.startsWith('GET') && !forOthers ? found : 403])
    }
  })

  test('is for admins where it is about access itself', async () => {
    const operator = await createToken({ role: 'operator' })
    for (const path of [
      '/tokens',
      '/brokerAccounts',
      '/audit',
      '/v1/tokens',
      '/v1/broker-accounts',
      '/v1/audit-entries',
    ]) {
      expect((await call('GET', path, bearer(operator.token))).status).toBe(403)
    }
    expect((await call('PUT', '/serviceInstances/new', bearer(operator.token), instance)).status).toBe(403)
    expect((await call('GET', `/backupPlans/${ids.plan}`, bearer(operator.token))).status).toBe(200)
  })
})

test('a restore into an instance that was not granted is refused as if it were not there', async () => {
  const caller = await createToken({ role: 'operator', serviceInstances: ['mine'] })
  const body = {
    backupJob: { id: ids.job },
    items: [{ item: 'db1' }],
    serviceInstance: { service_instance_id: 'theirs' },
  }
  expect((await call('POST', '/restore', bearer(caller.token), body)).status).toBe(404)
})

describe('accounts of brokers', () => {
  const basic = (password: string, name = 'broker-2') =>
    `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

  test('deprovision, and do nothing else', async () => {
    const account = { password: 'a password of a broker', serviceInstances: ['theirs'] }
    expect((await call('PUT', '/brokerAccounts/broker-2', admin, account)).status).toBe(201)
    for (const { method, path, isOpen } of operations) {
      if (isOpen) continue
      const isDeprovision = method === 'DELETE' && path.includes('byInstance')
      const { status } = await call(
        method,
        path.replace('{instanceId}', 'theirs').replace('{id}', 'x').replace('{name}', 'x'),
        basic(account.password),
        method === 'GET' || method === 'DELETE' ? undefined : {},
      )
      expect([method, path, status]).toEqual([method, path, isDeprovision ? 204 : 403])
    }
    expect((await call('DELETE', '/backupPlans/byInstance/mine', basic(account.password))).status).toBe(404)
    expect((await call('GET', '/brokerAccounts', admin)).text).not.toContain('password')
    expect((await call('DELETE', '/brokerAccounts/broker-2', admin)).status).toBe(204)
    expect(
      (await call('DELETE', '/backupPlans/byInstance/theirs', basic(account.password), undefined, '10.0.0.1')).status,
    ).toBe(401)
  })

  test('whose passwords are being guessed get in all the same, and the guesses are told to wait', async () => {
    const account = { password: 'a password of a broker', serviceInstances: 'all' }
    await call('PUT', '/brokerAccounts/guessed', admin, account)
    const path = '/backupPlans/byInstance/theirs'
    const guesses: number[] = []
    for (let guess = 0; guess < 12; guess++)
      guesses.push((await call('DELETE', path, basic(`guess ${guess}`, 'guessed'), undefined, '10.0.0.2')).status)
    expect(guesses.slice(0, 9)).toEqual(Array(9).fill(401))
    expect(guesses.at(-1)).toBe(429)
    expect((await call('DELETE', path, basic(account.password, 'guessed'), undefined, '10.0.0.2')).status).toBe(204)
    expect((await call('GET', '/tokens', admin)).status).toBe(200)
  })
})

test('the audit log says who did what to which instance, and nothing else changes it', async () => {
  const operator = await createToken({ name: 'Ada', role: 'operator', serviceInstances: ['mine'] })
  await call('POST', '/backup', bearer(operator.token), { backupPlan: { id: ids.plan } })
  await expect
    .poll(async () => (await call('GET', '/audit?serviceInstance=mine&size=1', admin)).body.content[0])
    .toMatchObject({
      caller: { kind: 'token', id: operator.id, name: 'Ada' },
      address: '127.0.0.1',
      action: 'POST /backup',
      path: '/backup',
      status: 201,
      service_instance_id: 'mine',
    })
  const all = await call('GET', '/audit?size=2000', admin)
  expect(all.body.content.some((entry: { status: number }) => entry.status === 403)).toBe(true)
  expect(all.text).not.toContain(operator.token)
})
