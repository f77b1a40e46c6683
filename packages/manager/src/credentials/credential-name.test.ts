import { expect, test } from 'vitest'
import { credentialNameOf } from './credential-name.ts'

const instance = { id: 'shop-db', serviceId: 'sd.1', planId: undefined, organizationGuid: 'o', spaceGuid: 's' }
const nameOf = (nameTemplate: string, fields = {}) => credentialNameOf({ nameTemplate }, { ...instance, ...fields })

test('the name of a credential is made of the values of its instance', () => {
  expect(nameOf('/bosh-1/sb-{instanceId}/backup_credentials')).toBe('/bosh-1/sb-shop-db/backup_credentials')
  expect(nameOf('/c/{serviceId}/{instanceId}/{instanceId}')).toBe('/c/sd.1/shop-db/shop-db')
})

test('a value that is missing, or could lead to the credential of another instance, names none', () => {
  expect(() => nameOf('/c/{planId}/{instanceId}')).toThrow('"shop-db" has none')
  for (const id of ['a/b', '..', '.', '', 'a b', '{serviceId}', '$&', 'a\n']) {
    expect(() => nameOf('/c/{instanceId}/x', { id })).toThrow('which a name cannot contain')
  }
})
