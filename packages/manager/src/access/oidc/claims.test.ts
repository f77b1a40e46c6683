import { expect, test } from 'vitest'
import { instancesOf, nameOf, roleOf } from './claims.ts'

const scopes = { viewer: 'osb-backup.viewer', operator: 'osb-backup.operator', admin: 'osb-backup.admin' }

test.for([
  ['scope', { scope: 'openid osb-backup.viewer' }, 'viewer'],
  ['scope', { scope: ['osb-backup.viewer', 'osb-backup.operator'] }, 'operator'],
  ['scope', { scope: 'osb-backup.viewerx xosb-backup.admin' }, undefined],
  ['scope', {}, undefined],
  ['scope', { scope: { 'osb-backup.admin': true } }, undefined],
  ['realm_access.roles', { realm_access: { roles: ['osb-backup.admin'] } }, 'admin'],
  ['realm_access.roles', { realm_access: 'osb-backup.admin' }, undefined],
  ['https://example/roles.all', { 'https://example/roles.all': ['osb-backup.viewer'] }, 'viewer'],
  ['constructor.name', {}, undefined],
] as const)('by the claim %s, %j has the role %s', ([roleClaim, claims, role]) => {
  expect(roleOf(claims, { roleClaim, scopes })).toBe(role)
})

test.for([
  [{ instances: ['a', 'b', '', 7] }, ['a', 'b']],
  [{ instances: '*' }, 'all'],
  [{ instances: ['a', '*'] }, 'all'],
  [{ instances: 'a' }, []],
  [{ instances: { 0: 'a' } }, []],
  [{}, []],
] as const)('%j is granted %j', ([claims, granted]) => {
  expect(instancesOf(claims, { instancesClaim: 'instances' })).toEqual(granted)
})

test('without a claim that names instances none is granted', () => {
  expect(instancesOf({ instances: '*' }, { instancesClaim: undefined })).toEqual([])
})

test('a user is called by name where there is one', () => {
  expect(nameOf({ sub: '1', user_name: 'ada', email: 'a@example' })).toBe('ada')
  expect(nameOf({ sub: '1', preferred_username: '', email: 'a@example' })).toBe('a@example')
  expect(nameOf({ sub: 'a-client' })).toBe('a-client')
})
