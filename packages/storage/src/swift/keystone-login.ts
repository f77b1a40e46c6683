import { omitUndefined } from '@osb-backup/node'
import { type Dispatcher, request } from 'undici'
import { parseRetryAfter } from '../retry-after.ts'
import { StoreError } from '../store-error.ts'
import {
  applicationCredentialSchema,
  discard,
  type GrantedLogin,
  readJson,
  type TokenAnswer,
  tokenSchema,
} from './swift-answer.ts'
import { NoSuchRegion, NotSwiftAnswer, UnexpectedStatus } from './swift-error.ts'
import { accountOf, type SwiftSettings } from './swift-settings.ts'

/** Logs in at Keystone v3, with a password or an application credential. */
export async function logInAtKeystone(
  url: string,
  settings: SwiftSettings,
  dispatcher: Dispatcher,
): Promise<GrantedLogin> {
  const { statusCode, headers, body } = await request(`${url}/auth/tokens`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ auth: authenticationOf(settings) }),
  })
  const token = headers['x-subject-token']
  if (statusCode !== 201 || typeof token !== 'string') {
    await discard(body)
    if (statusCode < 300) throw new NotSwiftAnswer(`Status ${statusCode} is not an answer of Keystone`)
    throw new UnexpectedStatus(statusCode, parseRetryAfter(headers['retry-after'], new Date()))
  }
  const answer = await readJson(body, tokenSchema)
  const lifeMs = Date.parse(answer.token.expires_at) - Date.parse(answer.token.issued_at)
  const storageUrl = settings.storageUrl || storageUrlOf(answer, url, settings)
  return { token, storageUrl, lifeMs, ...credentialsOf(answer, url, settings) }
}

/** What the answer to a login says about the expiry of what was logged in with. */
function credentialsOf(
  { token: { user, application_credential: used } }: TokenAnswer,
  url: string,
  settings: SwiftSettings,
): Pick<GrantedLogin, 'passwordExpiresAt' | 'applicationCredentialUrl'> {
  if (!settings.applicationCredentialId && !settings.applicationCredentialName) {
    return omitUndefined({ passwordExpiresAt: instantOf(user?.password_expires_at) })
  }
  const id = used?.id ?? settings.applicationCredentialId
  if (user === undefined || !id) return {}
  const path = `/users/${encodeURIComponent(user.id)}/application_credentials/${encodeURIComponent(id)}`
  return { applicationCredentialUrl: `${url}${path}` }
}

/** When an application credential expires; undefined: never, or Keystone does not say, for example because of its policy. */
export async function readApplicationCredentialExpiry(
  url: string,
  token: string,
  { dispatcher, signal }: { dispatcher: Dispatcher; signal?: AbortSignal },
): Promise<Date | undefined> {
  const headers = { accept: 'application/json', 'x-auth-token': token }
  const { statusCode, body } = await request(url, { dispatcher, headers, ...omitUndefined({ signal }) })
  if (statusCode !== 200) {
    await discard(body)
    return undefined
  }
  const answer = await readJson(body, applicationCredentialSchema)
  return instantOf(answer.application_credential.expires_at)
}

/** Keystone's instants are in UTC, some without saying so. */
function instantOf(text: string | null | undefined): Date | undefined {
  if (!text) return undefined
  const instant = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

function authenticationOf(settings: SwiftSettings): object {
  const { applicationCredentialId, applicationCredentialName, password, projectId, projectName } = settings
  if (applicationCredentialId || applicationCredentialName) {
    // It is bound to its project, and Keystone refuses another scope.
    const credential = applicationCredentialId
      ? { id: applicationCredentialId }
      : { name: applicationCredentialName, user: userOf(settings) }
    return {
      identity: {
        methods: ['application_credential'],
        application_credential: { ...credential, secret: password },
      },
    }
  }
  const { projectDomain, projectDomainId, domain } = settings
  return {
    identity: { methods: ['password'], password: { user: { ...userOf(settings), password } } },
    scope: {
      project: projectId
        ? { id: projectId }
        : { name: projectName, domain: domainOf(projectDomainId, projectDomain || domain) },
    },
  }
}

function userOf({ userId, username, userDomain, userDomainId, domain }: SwiftSettings): object {
  return userId ? { id: userId } : { name: username, domain: domainOf(userDomainId, userDomain || domain) }
}

const domainOf = (id: string | undefined, name: string) => (id ? { id } : { name })

function storageUrlOf({ token }: TokenAnswer, url: string, settings: SwiftSettings): string {
  const { interface: wanted = 'public' } = settings
  const region = settings.region?.trim()
  const endpoints = (token.catalog ?? [])
    .filter((service) => service.type === 'object-store')
    .flatMap((service) => service.endpoints)
    .filter((endpoint) => endpoint.interface === wanted)
  const found = endpoints.find((endpoint) => !region || endpoint.region === region || endpoint.region_id === region)
  if (found) return found.url
  const where = region ? ` in region ${JSON.stringify(region)}` : ''
  const regions = [...new Set(endpoints.map((endpoint) => endpoint.region ?? endpoint.region_id))].slice(0, 10)
  const others = region && regions.length > 0 ? `; it has one in ${regions.join(', ')}` : ''
  throw new StoreError(
    'misconfigured',
    `Keystone at ${url} knows no ${wanted} object-store endpoint${where} for ${accountOf(settings)}${others}.`,
    region ? { cause: new NoSuchRegion(`The catalog has no region ${JSON.stringify(region)}`) } : {},
  )
}
