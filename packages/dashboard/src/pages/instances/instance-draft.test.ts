import { instanceCreateSchema } from '@osb-backup/protocol/v1'
import { expect, test } from 'vitest'
import { emptyInstance, instanceRequestOf, parametersOf } from './instance-draft.ts'

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
    { key: 0, address: ' 10.0.0.5 ', port: '5432' },
    { key: 1, address: '10.0.0.6', port: '' },
  ]
  const filled = { dump_jobs: '4', restore_mode: '', with_roles: 'false', pin: '1234', of_another_pack: 'x' }
  const draft = { ...emptyInstance, id: 'shop-db', agentId: 'a', hosts, backupHost: 1, parameters: filled }
  const request = instanceRequestOf({ ...draft, username: 'backup' }, parameters)
  expect(request).toEqual({
    id: 'shop-db',
    agentId: 'a',
    hosts: [
      { address: '10.0.0.5', port: 5432, backup: false },
      { address: '10.0.0.6', backup: true },
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
