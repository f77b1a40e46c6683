import { type Instance, instanceCreateSchema, instancePatchSchema } from '@osb-backup/protocol/v1'
import { expect, test } from 'vitest'
import {
  draftOfInstance,
  emptyInstance,
  instancePatchOf,
  instanceRequestOf,
  isMoved,
  parametersOf,
} from './instance-draft.ts'

const pack = {
  name: 'postgresql',
  form: 2 as const,
  stages: ['backup', 'restore'],
  parameters: [
    { name: 'dump_jobs', type: 'integer' as const },
    { name: 'restore_mode', type: 'string' as const, values: ['swap', 'in-place'] },
    { name: 'with_roles', type: 'boolean' as const },
    { name: 'pin', type: 'string' as const, secret: true },
  ],
}

test('a request has what was filled in, with the types of the parameters of the pack, and nothing else', () => {
  const parameters = parametersOf([pack], '')
  const hosts = [
    { key: 0, name: '', address: ' 10.0.0.5 ', port: '5432' },
    { key: 1, name: 'standby', address: '10.0.0.6', port: '' },
  ]
  const filled = { dump_jobs: '4', restore_mode: '', with_roles: 'false', pin: '1234', of_another_pack: 'x' }
  const draft = { ...emptyInstance, id: 'shop-db', agentId: 'a', hosts, backupHost: 1, parameters: filled }
  const request = instanceRequestOf({ ...draft, username: 'backup' }, parameters)
  expect(request).toEqual({
    id: 'shop-db',
    agentId: 'a',
    hosts: [
      { address: '10.0.0.5', port: 5432, backup: false },
      { name: 'standby', address: '10.0.0.6', backup: true },
    ],
    database: { username: 'backup' },
    parameters: { dump_jobs: 4, with_roles: false, pin: '1234' },
    secretParameters: ['pin'],
  })
  expect(instanceCreateSchema.safeParse(request).success).toBe(true)
})

test('the parameters are those of the chosen pack, or of the only one', () => {
  const other = { ...pack, name: 'mysql', parameters: [] }
  expect(parametersOf([pack, other], '')).toEqual([])
  expect(parametersOf([pack, other], 'postgresql')).toEqual(pack.parameters)
  expect(parametersOf([], '')).toEqual([])
})

const stored: Instance = {
  id: 'shop-db',
  hosts: [
    { name: 'postgres0', address: '10.0.0.5', port: 5432, backup: true },
    { name: 'postgres1', address: '10.0.0.6', port: 5432, backup: false },
  ],
  agentId: 'a',
  database: { username: 'backup', passwordSet: true, privilegedUsername: 'postgres', privilegedPasswordSet: true },
  items: ['shop'],
  parameters: { dump_jobs: 4, restore_mode: 'swap', pin: '***', of_the_broker: 'x' },
  secretParameters: ['pin', 'other'],
  drillTarget: false,
  protection: { state: 'unknown', reason: 'No backup has run yet.' },
  createdAt: '2026-03-01T02:00:00Z',
}

test('a form that is saved unchanged changes nothing, and no secret is sent', () => {
  const patch = instancePatchOf(draftOfInstance(stored), pack.parameters, stored)
  expect(patch).toEqual({
    agentId: 'a',
    hosts: stored.hosts,
    pack: null,
    items: ['shop'],
    database: { username: 'backup', privilegedUsername: 'postgres' },
    parameters: { dump_jobs: 4, restore_mode: 'swap' },
    secretParameters: ['pin', 'other'],
  })
  expect(instancePatchSchema.safeParse(patch).success).toBe(true)
})

test('what is cleared is removed, with the password of an account, and secrets only where that was said', () => {
  const draft = draftOfInstance(stored)
  const cleared = { ...draft, privilegedUsername: '', items: [], parameters: { ...draft.parameters, restore_mode: '' } }
  expect(instancePatchOf(cleared, pack.parameters, stored)).toMatchObject({
    items: null,
    database: { privilegedUsername: null, privilegedPassword: null },
    parameters: { dump_jobs: 4, restore_mode: null },
  })
  expect(instancePatchOf(cleared, pack.parameters, stored).parameters).not.toHaveProperty('pin')
  const removed = instancePatchOf({ ...draft, removedSecrets: ['pin'] }, pack.parameters, stored)
  expect(removed.parameters).toMatchObject({ pin: null })
  const entered = instancePatchOf({ ...draft, parameters: { pin: '1234' }, password: 'new' }, pack.parameters, stored)
  expect(entered).toMatchObject({ parameters: { pin: '1234' }, database: { password: 'new' } })
})

test('another agent, address or port is another server, a host less or another name is none', () => {
  const draft = draftOfInstance(stored)
  const [first] = draft.hosts
  const changed = (fields: object) => ({
    ...draft,
    hosts: [{ key: 0, name: '', address: '', port: '', ...first, ...fields }],
  })
  expect(isMoved(draft, stored)).toBe(false)
  expect(isMoved(changed({ name: 'renamed', address: ' 10.0.0.5' }), stored)).toBe(false)
  expect(isMoved(changed({ address: '10.0.0.7' }), stored)).toBe(true)
  expect(isMoved(changed({ port: '5433' }), stored)).toBe(true)
  expect(isMoved({ ...draft, agentId: 'b' }, stored)).toBe(true)
})
