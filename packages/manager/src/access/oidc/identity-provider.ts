import type { JWTPayload } from 'jose'
import type { Logger } from 'pino'
import type { OidcSettings } from '../../settings/oidc-settings.ts'
import type { TextAnswer } from '../../shared/request-text.ts'
import { type Caller, grantedCaller, type IdentifyCaller } from '../caller.ts'
import { checkToken } from './check-token.ts'
import { instancesOf, nameOf, permissionsOf, roleOf } from './claims.ts'
import { CloudController } from './cloud-controller.ts'
import { CloudFoundry } from './cloud-foundry.ts'
import { basicAuthorization, createFetchText } from './fetch-text.ts'
import { IdentityProviderError } from './identity-provider-error.ts'
import { type KeyTiming, Provider, type SignInEndpoints } from './provider.ts'

/** What else it depends on. */
export interface IdentificationDeps extends KeyTiming {
  /** The clock that decides whether a token has expired. */
  now(): Promise<Date>
}

/** How long after an unknown key the provider's keys are fetched again at the earliest. */
export const KEY_COOLDOWN_MS = 30_000

/** An identity provider: what its tokens say, and where users get them. Both throw IdentityProviderError while it cannot be asked. */
export interface IdentityProvider {
  /**
   * Answers undefined for a token that is not valid here or that gives no role. The caller's `isGranted` throws
   * IdentityProviderError while Cloud Foundry cannot be asked.
   */
  identifyUser: IdentifyCaller
  signInEndpoints(): Promise<SignInEndpoints>
  /**
   * Passes what the dashboard sends for tokens on to the provider, with the secret of the dashboard's client.
   *
   * @param form - Of a code or a refresh token, and of nothing else that the secret would allow.
   */
  exchangeTokens(form: Record<string, string>): Promise<TextAnswer>
}

/**
 * Identifies users by the tokens of an identity provider. Nothing is fetched before it is needed.
 *
 * @throws {SettingsError} If OIDC_CA_FILE cannot be read.
 */
export function createIdentityProvider(
  settings: OidcSettings,
  log: Logger,
  { now, keyCooldownMs }: IdentificationDeps,
): IdentityProvider {
  const fetchText = createFetchText(settings.caFile)
  const provider = new Provider(settings, fetchText, log, { keyCooldownMs })
  const { cloudFoundryUrl } = settings
  const cloudFoundry = cloudFoundryUrl === undefined ? undefined : new CloudFoundry(cloudFoundryUrl, fetchText, log)

  const identifyUser: IdentifyCaller = async (token) => {
    const claims = await checkToken(token, settings, provider, log, await now())
    if (claims === undefined || !hasSubject(claims)) return undefined
    const role = roleOf(claims, settings)
    if (role === undefined) {
      log.debug({ subject: claims.sub, claim: settings.roleClaim }, 'a valid token gives no role')
      return undefined
    }
    const permissions = permissionsOf(claims, settings)
    const validForMs = claims.exp * 1000 - (await now()).getTime()
    const access = { role, permissions, onlyDeprovisions: false, validForMs } as const
    const user = { kind: 'user', id: claims.sub, name: nameOf(claims), ...access } as const
    const granted = role === 'admin' ? 'all' : instancesOf(claims, settings)
    if (granted === 'all' || cloudFoundry === undefined) return grantedCaller(user, granted)
    return cloudFoundryUser(user, granted, (instanceId) => cloudFoundry.permissions(token, instanceId))
  }
  return {
    identifyUser,
    signInEndpoints: () => provider.signInEndpoints(),
    async exchangeTokens(form) {
      const { clientId = '', clientSecret = '' } = settings.dashboard ?? {}
      const { tokenEndpoint } = await provider.signInEndpoints()
      const headers = { authorization: basicAuthorization(clientId, clientSecret) }
      return fetchText(tokenEndpoint, headers, form).catch((cause: unknown) => {
        const message = `The identity provider ${settings.issuer} cannot be reached; try again later.`
        throw new IdentityProviderError('unreachable', message, { cause })
      })
    },
  }
}

/**
 * Creates a function that asks Cloud Foundry whether one of its users may change a service instance.
 *
 * @returns Undefined: the settings name no client that may ask.
 */
export function createMayManage(
  settings: OidcSettings,
  log: Logger,
): ((userId: string, instanceId: string) => Promise<boolean>) | undefined {
  const { cloudFoundryUrl: url, cloudFoundryClient: client } = settings
  if (url === undefined || client === undefined) return undefined
  const fetchText = createFetchText(settings.caFile)
  const provider = new Provider(settings, fetchText, log, { keyCooldownMs: KEY_COOLDOWN_MS })
  const controller = new CloudController(
    { url, clientId: client.id, clientSecret: client.secret },
    () => provider.tokenEndpoint(),
    fetchText,
    log,
  )
  return (userId, instanceId) => controller.mayManage(userId, instanceId)
}

function hasSubject(claims: JWTPayload): claims is JWTPayload & { sub: string; exp: number } {
  return typeof claims.sub === 'string' && claims.sub !== '' && typeof claims.exp === 'number'
}

/** A user who was granted some instances by the token; Cloud Foundry is asked about every other one. */
function cloudFoundryUser(
  user: Omit<Caller, 'grants' | 'isGranted'>,
  granted: readonly string[],
  ask: (instanceId: string) => ReturnType<CloudFoundry['permissions']>,
): Caller {
  const known = new Set(granted)
  return {
    ...user,
    grants: async () => [...known],
    isGranted: async (instanceId, use) => {
      if (granted.includes(instanceId)) return true
      const { read, manage } = await ask(instanceId)
      if (read) known.add(instanceId)
      return use === 'read' ? read : manage
    },
  }
}
