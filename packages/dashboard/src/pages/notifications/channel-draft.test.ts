import { type Channel, channelCreateSchema } from '@osb-backup/protocol/v1'
import { expect, test } from 'vitest'
import { createRequestOf, draftOf, emptyChannel, emptyRule, generateSigningKey, patchOf } from './channel-draft.ts'

const mail: Channel = {
  id: 'c1',
  name: 'on-call',
  enabled: true,
  rules: [{ minimumSeverity: 'warning' }],
  quietHours: { from: '21:00', until: '06:00', timezone: 'Europe/Berlin' },
  transport: {
    kind: 'email',
    host: 'mail.example.org',
    port: 25,
    security: 'none',
    username: 'backup',
    from: 'a@example.org',
    to: ['b@example.org'],
    passwordSet: true,
  },
  createdAt: '2026-03-01T02:00:00.000Z',
}

test('what was not changed is sent as it was, without the secrets that are stored', () => {
  const draft = draftOf(mail)
  expect(patchOf(draft, draft)).toEqual({
    name: 'on-call',
    enabled: true,
    rules: [{ minimumSeverity: 'warning' }],
    quietHours: mail.quietHours,
    summary: null,
    transport: {
      kind: 'email',
      host: 'mail.example.org',
      port: 25,
      security: 'none',
      username: 'backup',
      from: 'a@example.org',
      to: ['b@example.org'],
    },
  })
})

test('a user that is removed takes its password along', () => {
  const before = draftOf(mail)
  expect(patchOf({ ...before, username: '' }, before).transport).toMatchObject({ username: null, password: null })
})

test('a check has nothing that belongs to alarms, also if the form had it before its kind was chosen', () => {
  const draft = { ...emptyChannel, name: 'check', rules: [emptyRule()], isQuiet: true, summary: 'day' as const }
  const request = createRequestOf({ ...draft, kind: 'healthchecks', planId: 'p', url: 'https://hc.example.org/ping/1' })
  expect(request).toEqual({
    name: 'check',
    enabled: true,
    transport: { kind: 'healthchecks', planId: 'p', url: 'https://hc.example.org/ping/1' },
  })
})

test('a generated key is one that the API takes', () => {
  const draft = { ...emptyChannel, name: 'hook', kind: 'webhook', url: 'https://example.org/' } as const
  const request = createRequestOf({ ...draft, secret: generateSigningKey() })
  expect(channelCreateSchema.safeParse(request).error).toBeUndefined()
})
