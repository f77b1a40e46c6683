import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { OidcSettings } from '../../settings/oidc-settings.ts'
import { isSafeAddress } from '../../settings/safe-address.ts'
import type { FetchText } from './fetch-text.ts'
import { IdentityProviderError, type IdentityProviderErrorCode } from './identity-provider-error.ts'

/** How long keys are cached: a key that was withdrawn is accepted for at most that long. */
const KEYS_MAX_AGE_MS = 600_000
/** Pause after a failure, so that calls do not queue up for a provider that hangs. */
const PAUSE_MS = 3_000

const discoverySchema = z.object({
  issuer: z.string().min(1),
  jwks_uri: z.url(),
  authorization_endpoint: z.url().optional(),
  token_endpoint: z.url().optional(),
  // Without them users sign out of the dashboard alone.
  end_session_endpoint: z.url().optional().catch(undefined),
  revocation_endpoint: z.url().optional().catch(undefined),
})

/** Where users sign in. */
export interface SignInEndpoints {
  /** What the provider calls itself in tokens. */
  issuer: string
  authorizationEndpoint: string
  tokenEndpoint: string
  /** Where users are sent to sign out there too. */
  endSessionEndpoint: string | undefined
  /** Where tokens are revoked. */
  revocationEndpoint: string | undefined
}

/** What tokens are verified with. */
export interface Trust {
  /** What the provider calls itself in tokens. UAA adds `/oauth/token` to its address. */
  issuer: string
  keys: JWTVerifyGetKey
  /** Where tokens are issued; undefined if it does not say so. */
  tokenEndpoint: string | undefined
  /** Undefined if nobody can sign in there in a browser. */
  signIn: SignInEndpoints | undefined
}

/** How often keys are fetched. */
export interface KeyTiming {
  /** Minimum time between two fetches for unknown keys. */
  keyCooldownMs: number
}

/**
 * The identity provider: discovered when first needed, so that the manager starts without it, and then cached.
 */
export class Provider {
  readonly #settings: Pick<OidcSettings, 'issuer' | 'allowsHttp'>
  readonly #fetchText: FetchText
  readonly #log: Logger
  readonly #timing: KeyTiming
  #trust: Promise<Trust> | undefined
  #failure: { error: IdentityProviderError; until: number } | undefined

  constructor(
    settings: Pick<OidcSettings, 'issuer' | 'allowsHttp'>,
    fetchText: FetchText,
    log: Logger,
    timing: KeyTiming,
  ) {
    this.#settings = settings
    this.#fetchText = fetchText
    this.#log = log
    this.#timing = timing
  }

  /**
   * What its tokens are verified with.
   *
   * @throws {IdentityProviderError} If it could not be reached so far; the keys throw it too.
   */
  trust(): Promise<Trust> {
    this.#trust ??= this.#discover().catch((error: unknown) => {
      this.#trust = undefined
      throw error
    })
    return this.#trust
  }

  /**
   * Where users sign in.
   *
   * @throws {IdentityProviderError} If it could not be reached so far, or has no page to sign in.
   */
  async signInEndpoints(): Promise<SignInEndpoints> {
    const { signIn } = await this.trust()
    if (signIn !== undefined) return signIn
    const message = `Nobody can sign in at ${this.#settings.issuer} with a browser: it names no endpoints for that.`
    throw new IdentityProviderError('unusable-answer', message)
  }

  /**
   * Where clients get tokens.
   *
   * @throws {IdentityProviderError} If it could not be reached so far, or has no such endpoint.
   */
  async tokenEndpoint(): Promise<string> {
    const { tokenEndpoint } = await this.trust()
    if (tokenEndpoint !== undefined) return tokenEndpoint
    const message = `${this.#settings.issuer} names no endpoint for tokens.`
    throw new IdentityProviderError('unusable-answer', message)
  }

  async #discover(): Promise<Trust> {
    const url = `${this.#settings.issuer}/.well-known/openid-configuration`
    const read = discoverySchema.safeParse(await this.#fetchJson(url))
    if (!read.success) throw this.#fail('unusable-answer', `${url} is not a discovery document`)
    const { issuer, jwks_uri, authorization_endpoint, token_endpoint } = read.data
    for (const address of [jwks_uri, authorization_endpoint, token_endpoint]) {
      if (address === undefined || isSafeAddress(address, this.#settings.allowsHttp)) continue
      throw this.#fail('unusable-answer', `its address ${address} is not https`)
    }
    const keys = createRemoteJWKSet(new URL(jwks_uri), {
      cooldownDuration: this.#timing.keyCooldownMs,
      cacheMaxAge: KEYS_MAX_AGE_MS,
      [customFetch]: async (address) => Response.json(await this.#fetchJson(address)),
      // Never reached: fetchText has a shorter timeout.
      timeoutDuration: 60_000,
    })
    const hasSignIn = authorization_endpoint !== undefined && token_endpoint !== undefined
    return {
      issuer,
      keys,
      tokenEndpoint: token_endpoint,
      signIn: hasSignIn
        ? {
            issuer,
            authorizationEndpoint: authorization_endpoint,
            tokenEndpoint: token_endpoint,
            endSessionEndpoint: this.#ifSafe(read.data.end_session_endpoint),
            revocationEndpoint: this.#ifSafe(read.data.revocation_endpoint),
          }
        : undefined,
    }
  }

  /** An address that tokens may be sent to. */
  #ifSafe(address: string | undefined): string | undefined {
    return address !== undefined && isSafeAddress(address, this.#settings.allowsHttp) ? address : undefined
  }

  async #fetchJson(url: string): Promise<unknown> {
    if (this.#failure !== undefined && performance.now() < this.#failure.until) throw this.#failure.error
    const { status, text } = await this.#fetchText(url).catch((cause: unknown) => {
      throw this.#fail('unreachable', `${url} cannot be reached`, cause)
    })
    if (status !== 200) {
      const code = status >= 500 || status === 429 ? 'unreachable' : 'unusable-answer'
      throw this.#fail(code, `${url} answered ${status}`)
    }
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw this.#fail('unusable-answer', `${url} is not JSON`, cause)
    }
  }

  #fail(code: IdentityProviderErrorCode, reason: string, cause?: unknown): IdentityProviderError {
    const message =
      code === 'unreachable'
        ? `The identity provider ${this.#settings.issuer} cannot be reached, so this token cannot be checked; try again later.`
        : `The identity provider ${this.#settings.issuer} does not answer as one, so this token cannot be checked; correct OIDC_ISSUER.`
    const error = new IdentityProviderError(code, message, { cause: new Error(reason, { cause }) })
    this.#failure = { error, until: performance.now() + PAUSE_MS }
    this.#log.warn({ err: error }, 'the identity provider is unavailable')
    return error
  }
}
