import { makeTemporaryFolder, startManagerProcess, startManagerProgram, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

test('pages of an allowed origin may call the API, after a preflight without a token; others may not', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({
    DATA_DIR: folder.path,
    ALLOWED_ORIGINS: 'https://dashboard.example, http://localhost:4200',
  })
  const preflight = (origin: string) =>
    fetch(`${manager.url}/backupPlans/x`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
  const allowed = await preflight('http://localhost:4200')
  expect(allowed.status).toBe(204)
  expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:4200')
  expect(allowed.headers.get('access-control-allow-methods')).toContain('PATCH')
  expect(allowed.headers.get('access-control-allow-headers')).toContain('Authorization')
  expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()

  const call = await fetch(`${manager.url}/serviceInstances`, {
    headers: { origin: 'https://dashboard.example', authorization: `Bearer ${TEST_TOKEN}` },
  })
  expect(call.status).toBe(200)
  expect(call.headers.get('access-control-allow-origin')).toBe('https://dashboard.example')
  const refused = await fetch(`${manager.url}/serviceInstances`, { headers: { origin: 'https://dashboard.example' } })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://dashboard.example')
  await manager.stop()
})

test('an origin with a path stops the start', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = startManagerProgram({ DATA_DIR: folder.path, ALLOWED_ORIGINS: 'https://dashboard.example/app' })
  expect(await manager.ended()).toBe(1)
  expect(manager.output().trim()).toBe('ALLOWED_ORIGINS must be origins like https://dashboard.example, or *.')
})
