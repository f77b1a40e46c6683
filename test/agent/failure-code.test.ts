import { expect, test } from 'vitest'
import { agentWith, backupBody, formOne, formTwo } from './agent-under-test.ts'

test.each([
  ['a status that asks for another attempt', { backup: 'echo part; exit 75\n' }, 'script-temporary'],
  ['the same in a stage before the dump', { 'pre-backup-lock': 'exit 75\n' }, 'script-temporary'],
  ['any other status', { backup: 'echo part; exit 1\n' }, undefined],
  ['a failure before it', { 'pre-backup-lock': 'exit 1\n', 'post-backup-unlock': 'exit 75\n' }, undefined],
] as const)('a script that fails with %s', async (_how, scripts, code) => {
  for (const form of [formOne, formTwo]) {
    const under = await agentWith(form(scripts))
    await under.call('POST', '/backup', backupBody(under, 'x'))
    expect((await under.over('backup', 'x')).failure_code).toBe(code)
  }
})

test('a store that cannot be reached has another code than one whose settings are wrong', async () => {
  const under = await agentWith(formTwo(), { store_outage_seconds: '0' })
  const keys = { type: 'S3', bucket: 'b', region: 'r', authKey: 'k', authSecret: 's', filenamePrefix: 'p/' }
  const { destination: _, ...body } = backupBody(under, 'x')
  await under.call('POST', '/backup', { ...body, destination: { ...keys, endpoint: 'http://127.0.0.1:9' } })
  expect(await under.over('backup', 'x')).toMatchObject({ status: 'FAILED', failure_code: 'destination-unavailable' })
  const wrong = { ...keys, endpoint: 'http://no-such-host.invalid' }
  await under.call('POST', '/backup', { ...body, id: 'y', destination: wrong })
  expect(await under.over('backup', 'y')).toMatchObject({ status: 'FAILED', failure_code: 'destination-address' })
})
