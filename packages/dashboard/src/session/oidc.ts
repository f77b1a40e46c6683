import { ApiError, BackupClient } from '@osb-backup/client'
import type { SignIn } from '@osb-backup/protocol/v1'
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  ClientError,
  Configuration,
  calculatePKCECodeChallenge,
  None,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  type TokenEndpointResponse,
} from 'openid-client'
import * as messages from '../messages/messages.ts'
import { type ProviderAnswer, SIGN_IN_PATH, storePending } from './provider-answer.ts'

const t = messages.signIn
/** A token is refreshed so long before it expires. */
const REFRESH_BEFORE_MS = 30_000

/** The identity provider of the manager. */
export type IdentityProviderInfo = NonNullable<SignIn['identityProvider']>

/** The session of a user who signed in at the identity provider. */
export interface ProviderSession {
  /** Answers the access token to use now. */
  token: () => Promise<string>
  /** Ends the session. Returns where the user signs out of the provider, if that is possible. */
  signOut: () => URL | undefined
}

/** A sign-in that failed. The message is a sentence for the user. */
export class SignInError extends Error {
  override readonly name = 'SignInError'
}

/**
 * Sends the user to the identity provider: authorization code with PKCE. The window leaves the page; the provider opens it
 * again at `/sign-in`.
 *
 * @throws {SignInError} If the dashboard was not opened over HTTPS.
 * @throws {ApiError} If the identity provider cannot be reached.
 */
export async function startSignIn(provider: IdentityProviderInfo, returnTo: string): Promise<void> {
  // Without it browsers have no cryptography for the challenge.
  if (!window.isSecureContext) throw new SignInError(t.needsHttps)
  const configuration = await configure(provider)
  const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
  const url = buildAuthorizationUrl(configuration, {
    response_type: 'code',
    redirect_uri: window.location.origin + SIGN_IN_PATH,
    scope: provider.scope,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  })
  storePending({ state, nonce, codeVerifier, returnTo })
  window.location.assign(url)
}

/**
 * Exchanges what the identity provider answered for tokens, after its state and its nonce were compared.
 *
 * @returns Its session: the access token is refreshed before it expires.
 * @throws {SignInError} If the provider refused, or the answer is not one to a sign-in of this window.
 * @throws {ApiError} If the identity provider cannot be reached.
 */
export async function finishSignIn(
  provider: IdentityProviderInfo,
  { url, pending }: ProviderAnswer,
): Promise<ProviderSession> {
  if (pending === undefined) throw new SignInError(t.notStartedHere)
  const configuration = await configure(provider)
  const checks = {
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    pkceCodeVerifier: pending.codeVerifier,
    idTokenExpected: true,
  }
  const tokens = await authorizationCodeGrant(configuration, url, checks).catch((error: unknown) => {
    throw explain(error, provider.issuer)
  })
  const session = new TokenSession(configuration, provider.issuer, tokens)
  return { token: () => session.accessToken(), signOut: () => session.signOut() }
}

async function configure({ clientId }: IdentityProviderInfo): Promise<Configuration> {
  // The manager knows the endpoints: not every provider lets pages read its discovery document.
  const server = await new BackupClient({ url: window.location.origin, token: '' }).identityProvider()
  const metadata = {
    issuer: server.issuer,
    authorization_endpoint: server.authorizationEndpoint,
    token_endpoint: server.tokenEndpoint,
    ...(server.endSessionEndpoint === undefined ? {} : { end_session_endpoint: server.endSessionEndpoint }),
    ...(server.revocationEndpoint === undefined ? {} : { revocation_endpoint: server.revocationEndpoint }),
  }
  const configuration = new Configuration(metadata, clientId, undefined, None())
  // The manager refuses such a provider, unless its settings allow it.
  const endpoints = [server.tokenEndpoint, server.endSessionEndpoint, server.revocationEndpoint]
  if (endpoints.some((endpoint) => endpoint?.startsWith('http:'))) allowInsecureRequests(configuration)
  return configuration
}

/** The tokens of a user, in memory only. */
class TokenSession {
  readonly #configuration: Configuration
  readonly #issuer: string
  #accessToken = ''
  #refreshToken: string | undefined
  #expiresAtMs = Number.POSITIVE_INFINITY
  /** A refresh token may be good for one use: calls at the same time share it. */
  #refreshing: Promise<string> | undefined
  #isSignedOut = false

  constructor(configuration: Configuration, issuer: string, tokens: TokenEndpointResponse) {
    this.#configuration = configuration
    this.#issuer = issuer
    this.#keep(tokens)
  }

  /** @throws {ApiError} 401, if the session is over; without a status, if the provider does not answer. */
  async accessToken(): Promise<string> {
    if (Date.now() < this.#expiresAtMs - REFRESH_BEFORE_MS) return this.#accessToken
    if (this.#refreshToken === undefined) {
      if (Date.now() < this.#expiresAtMs) return this.#accessToken
      throw new ApiError(t.sessionExpired, { status: 401 })
    }
    this.#refreshing ??= this.#refresh(this.#refreshToken).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(refreshToken: string): Promise<string> {
    try {
      this.#keep(await refreshTokenGrant(this.#configuration, refreshToken))
    } catch (cause) {
      const isRefused = cause instanceof ResponseBodyError && cause.status < 500
      if (isRefused) this.#refreshToken = undefined
      // The provider may be away for a moment only, or end the session soon: until then the token is valid.
      if (Date.now() < this.#expiresAtMs) return this.#accessToken
      if (isRefused) throw new ApiError(t.sessionExpired, { status: 401, cause })
      throw new ApiError(t.providerUnreachable(this.#issuer), { cause })
    }
    return this.#accessToken
  }

  /**
   * Forgets the tokens and has the provider revoke the refresh token.
   *
   * @returns Where the user signs out of the provider; undefined if it has no page for that.
   */
  signOut(): URL | undefined {
    this.#isSignedOut = true
    this.#revoke()
    this.#accessToken = ''
    if (this.#configuration.serverMetadata().end_session_endpoint === undefined) return undefined
    // Without the ID token, which would be left in the history of the browser: the provider knows the client by its id.
    return buildEndSessionUrl(this.#configuration, { post_logout_redirect_uri: window.location.origin + SIGN_IN_PATH })
  }

  /** The window may leave the page before the provider answers; without revocation the token expires by itself. */
  #revoke(): void {
    const token = this.#refreshToken
    this.#refreshToken = undefined
    const endpoint = this.#configuration.serverMetadata().revocation_endpoint
    if (token === undefined || endpoint === undefined) return
    const body = new URLSearchParams({
      token,
      token_type_hint: 'refresh_token',
      client_id: this.#configuration.clientMetadata().client_id,
    })
    fetch(endpoint, { method: 'POST', body, keepalive: true, credentials: 'omit' }).catch(() => undefined)
  }

  #keep({ access_token, refresh_token, expires_in }: TokenEndpointResponse): void {
    this.#refreshToken = refresh_token ?? this.#refreshToken
    // They were refreshed while their user signed out.
    if (this.#isSignedOut) {
      this.#revoke()
      return
    }
    this.#accessToken = access_token
    this.#expiresAtMs = expires_in === undefined ? Number.POSITIVE_INFINITY : Date.now() + expires_in * 1000
  }
}

function explain(error: unknown, issuer: string): Error {
  if (error instanceof AuthorizationResponseError) {
    if (error.error === 'access_denied') return new SignInError(t.denied(issuer), { cause: error })
    return new SignInError(t.providerRefused(issuer, error.error_description ?? error.error), { cause: error })
  }
  if (error instanceof ResponseBodyError) {
    return new SignInError(t.providerRefused(issuer, error.error_description ?? error.error), { cause: error })
  }
  // Another state, nonce or issuer: an answer to something else.
  if (error instanceof ClientError && error.code !== 'OAUTH_TIMEOUT' && !(error.cause instanceof TypeError)) {
    return new SignInError(t.notStartedHere, { cause: error })
  }
  return new SignInError(t.providerUnreachable(issuer), { cause: error })
}
