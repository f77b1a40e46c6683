import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Logger } from 'pino'
import type { OidcSettings } from '../../settings/oidc-settings.ts'
import { IdentityProviderError } from './identity-provider-error.ts'
import type { Provider } from './provider.ts'

/**
 * Signatures that only the provider can make. Never `none`, and never a symmetric one: its key would have to be secret,
 * and all keys that the provider publishes are public.
 */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** What jose throws because of the token, and not because of the provider. */
const tokenErrors = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]

/**
 * Checks an access token: who signed it, for whom, and whether it is valid now.
 *
 * @returns Its claims; undefined if it is not valid here.
 * @throws {IdentityProviderError} If it cannot be checked, because the provider's keys are unavailable.
 */
export async function checkToken(
  token: string,
  settings: Pick<OidcSettings, 'audience' | 'clockToleranceSeconds'>,
  provider: Provider,
  log: Logger,
  now: Date,
): Promise<JWTPayload | undefined> {
  // Before the provider is asked: a credential that cannot be a token must not wait for a provider that is down.
  if (!looksLikeAccessToken(token)) return undefined
  try {
    const { issuer, keys } = await provider.trust()
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      issuer,
      audience: settings.audience,
      clockTolerance: settings.clockToleranceSeconds,
      currentDate: now,
      requiredClaims: ['exp', 'sub'],
    })
    return isOtherToken(payload) ? undefined : payload
  } catch (error) {
    if (error instanceof IdentityProviderError) throw error
    if (tokenErrors.some((kind) => error instanceof kind)) {
      log.debug({ reason: (error as Error).message }, 'a token was refused')
      return undefined
    }
    const message = 'The identity provider has keys that cannot be used, so this token cannot be checked.'
    log.warn({ err: error }, 'the keys of the identity provider are unusable')
    throw new IdentityProviderError('unusable-answer', message, { cause: error })
  }
}

/** RFC 9068 calls an access token `at+jwt`; most providers say `JWT` or nothing. Others, like `logout+jwt`, are no pass. */
function looksLikeAccessToken(token: string): boolean {
  try {
    const { alg, typ } = decodeProtectedHeader(token)
    return (
      token.split('.').length === 3 &&
      algorithms.includes(alg ?? '') &&
      (typ === undefined || /^(application\/)?(at\+)?jwt$/i.test(typ))
    )
  } catch {
    // Not a JWT at all: a revoked token of ours, say.
    return false
  }
}

/**
 * Whether a token that was signed like an access token is another one, by the marks of those who issue it: Keycloak's
 * `typ` is `ID` or `Refresh` then, and the `jti` of UAA's refresh tokens ends in `-r`.
 */
function isOtherToken({ typ, jti }: JWTPayload): boolean {
  return (typeof typ === 'string' && typ !== 'Bearer') || (jti?.endsWith('-r') ?? false)
}
