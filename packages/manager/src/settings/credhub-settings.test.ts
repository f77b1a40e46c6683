import { expect, test } from 'vitest'
import { readCredHubSettings } from './credhub-settings.ts'

const named = { CREDHUB_URL: 'https://credhub.example:8844/', CREDHUB_NAME: '/c/{serviceId}/{instanceId}/backup' }
const certificate = { CREDHUB_CERTIFICATE_FILE: '/c.pem', CREDHUB_KEY_FILE: '/c.key' }
const uaa = { CREDHUB_UAA_URL: 'https://uaa.example', CREDHUB_CLIENT_ID: 'i', CREDHUB_CLIENT_SECRET: 's' }

test('CredHub is read with a certificate, or with a client of its UAA', () => {
  expect(readCredHubSettings({})).toBeUndefined()
  expect(readCredHubSettings({ ...named, ...certificate })).toMatchObject({
    url: 'https://credhub.example:8844',
    uaa: undefined,
    tlsFiles: { cert: { setting: 'CREDHUB_CERTIFICATE_FILE', path: '/c.pem' } },
  })
  expect(readCredHubSettings({ ...named, ...uaa })?.uaa).toEqual({
    url: 'https://uaa.example',
    clientId: 'i',
    clientSecret: 's',
  })
})

test.for<[Record<string, string>, string]>([
  [{ CREDHUB_NAME: '/{instanceId}' }, 'CREDHUB_NAME has no effect without CREDHUB_URL.'],
  [{ CREDHUB_URL: named.CREDHUB_URL }, 'CREDHUB_NAME must be set with CREDHUB_URL.'],
  [named, 'CREDHUB_URL needs CREDHUB_CERTIFICATE_FILE and'],
  [{ ...named, CREDHUB_KEY_FILE: '/c.key' }, 'CREDHUB_CERTIFICATE_FILE must be set with CREDHUB_KEY_FILE.'],
  [{ ...named, ...uaa, CREDHUB_CLIENT_SECRET: '' }, 'CREDHUB_CLIENT_SECRET must be set with CREDHUB_UAA_URL.'],
  [{ ...named, ...uaa, CREDHUB_URL: 'http://credhub.example' }, 'CREDHUB_URL must be https'],
  [{ ...named, ...uaa, CREDHUB_UAA_URL: 'http://uaa.example' }, 'CREDHUB_UAA_URL must be https'],
  [{ ...named, CREDHUB_NAME: '/c/backup' }, 'CREDHUB_NAME must contain {instanceId}.'],
  [{ ...named, CREDHUB_NAME: '/c/{instance}' }, 'CREDHUB_NAME must be a name like'],
  [{ ...named, CREDHUB_NAME: 'c/{instanceId}&x' }, 'CREDHUB_NAME must be a name like'],
])('settings that cannot work are refused: %j', ([environment, message]) => {
  expect(() => readCredHubSettings(environment)).toThrow(message)
})
