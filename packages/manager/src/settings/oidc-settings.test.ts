import { SettingsError } from '@osb-backup/node'
import { expect, test } from 'vitest'
import { readOidcSettings } from './oidc-settings.ts'

const required = { OIDC_ISSUER: 'https://uaa.example/', OIDC_AUDIENCE: 'osb-backup' }

test('nothing set means that there is no identity provider', () => {
  expect(readOidcSettings({ OIDC_ISSUER: '', HOST: 'x' })).toBeUndefined()
})

test('issuer and audience are enough', () => {
  expect(readOidcSettings(required)).toMatchObject({
    issuer: 'https://uaa.example',
    audience: 'osb-backup',
    clockToleranceSeconds: 30,
    roleClaim: 'scope',
    instancesClaim: undefined,
    allowsHttp: false,
  })
})

test('users sign in to the dashboard only if it has a client id', () => {
  expect(readOidcSettings(required)?.dashboard).toBeUndefined()
  expect(readOidcSettings({ ...required, OIDC_DASHBOARD_CLIENT_ID: 'page' })?.dashboard).toEqual({
    clientId: 'page',
    scope: 'openid offline_access',
  })
})

test.for([
  [{ OIDC_ISSUER: 'nowhere' }, 'OIDC_ISSUER must be an http(s) URL.'],
  [{ OIDC_ISSUER: 'https://user:secret@uaa.example' }, 'OIDC_ISSUER must be a URL without credentials, "?" and "#".'],
  [{ OIDC_AUDIENCE: '' }, 'OIDC_AUDIENCE must be set with OIDC_ISSUER.'],
  [
    { OIDC_DASHBOARD_SCOPE: 'profile email' },
    'OIDC_DASHBOARD_SCOPE must be openid, and further scopes with spaces between them.',
  ],
  [{ OIDC_CLOCK_TOLERANCE_SECONDS: '301' }, 'OIDC_CLOCK_TOLERANCE_SECONDS must be a whole number from 0 to 300.'],
  [
    { OIDC_ISSUER: 'http://uaa.example' },
    'OIDC_ISSUER must be https, since http is allowed on loopback only unless OIDC_ALLOW_HTTP is true.',
  ],
  [
    { OIDC_ISSUER: '', OIDC_AUDIENCE: '', CF_API_URL: 'https://api.example' },
    'CF_API_URL has no effect without OIDC_ISSUER.',
  ],
] as const)('%j is refused', ([settings, sentence]) => {
  const read = () => readOidcSettings({ ...required, ...settings })
  expect(read).toThrow(SettingsError)
  expect(read).toThrow(sentence)
})

test('http is allowed on loopback, and elsewhere only if set', () => {
  expect(readOidcSettings({ ...required, OIDC_ISSUER: 'http://127.0.0.1:8080' })?.issuer).toBe('http://127.0.0.1:8080')
  const allowed = { ...required, OIDC_ISSUER: 'http://uaa.example', OIDC_ALLOW_HTTP: 'true' }
  expect(readOidcSettings(allowed)?.allowsHttp).toBe(true)
})
