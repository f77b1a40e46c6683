import { errorMessage } from '@osb-backup/node'
import type { Configuration, TokenEndpointResponse } from 'openid-client'
import { CliError, exitCodes } from '../exit-code.ts'
import type { Io } from '../io.ts'
import { type OidcTokens, readConfig, writeConfig } from './config-file.ts'

/** A token is refreshed so long before it expires. */
const REFRESH_BEFORE_MS = 30_000
const REQUEST_TIMEOUT_SECONDS = 30

/** How to sign in at an identity provider. */
export interface OidcSettings {
  issuer: string
  clientId: string
  scope: string
}

/**
 * Signs in with the device authorization grant (RFC 8628): shows an address and a code, and waits until the user has
 * confirmed it in a browser.
 */
export async function signInByDevice(io: Io, { issuer, clientId, scope }: OidcSettings): Promise<OidcTokens> {
  const oidc = await import('openid-client')
  const configuration = await discover(issuer, clientId)
  try {
    const started = await oidc.initiateDeviceAuthorization(configuration, { scope })
    const { verification_uri, verification_uri_complete, user_code } = started
    io.stderr.write(
      `Open ${verification_uri_complete ?? verification_uri} in a browser and confirm the code ${user_code}.\n`,
    )
    const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, started, undefined, { signal: io.signal })
    return tokensOf({ issuer, clientId }, tokens, io.now())
  } catch (cause) {
    io.signal.throwIfAborted()
    throw refused(issuer, cause)
  }
}

/** The access token of a context, refreshed and stored where it is about to expire. */
export async function refreshedToken(io: Io, contextName: string, tokens: OidcTokens): Promise<string> {
  const { accessToken, refreshToken, expiresAt } = tokens
  if (expiresAt === undefined || Date.parse(expiresAt) - REFRESH_BEFORE_MS > io.now()) return accessToken
  if (refreshToken === undefined) throw expired()
  const oidc = await import('openid-client')
  const configuration = await discover(tokens.issuer, tokens.clientId)
  const refreshed = await oidc.refreshTokenGrant(configuration, refreshToken).catch((cause: unknown) => {
    throw expired(cause)
  })
  const stored = { ...tokensOf(tokens, refreshed, io.now()), refreshToken: refreshed.refresh_token ?? refreshToken }
  const config = await readConfig(io)
  const context = config.contexts[contextName]
  if (context !== undefined) {
    await writeConfig(io, { ...config, contexts: { ...config.contexts, [contextName]: { ...context, oidc: stored } } })
  }
  return stored.accessToken
}

async function discover(issuer: string, clientId: string): Promise<Configuration> {
  const oidc = await import('openid-client')
  const url = new URL(issuer)
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  const options = {
    timeout: REQUEST_TIMEOUT_SECONDS,
    ...(isLoopback ? { execute: [oidc.allowInsecureRequests] } : {}),
  }
  return oidc.discovery(url, clientId, undefined, oidc.None(), options).catch((cause: unknown) => {
    throw new CliError(`The identity provider ${issuer} cannot be used: ${errorMessage(cause)}.`, {
      cause,
      exitCode: exitCodes.unreachable,
    })
  })
}

function tokensOf(
  { issuer, clientId }: Pick<OidcTokens, 'issuer' | 'clientId'>,
  { access_token, refresh_token, expires_in }: TokenEndpointResponse,
  nowMs: number,
): OidcTokens {
  return {
    issuer,
    clientId,
    accessToken: access_token,
    ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
    ...(expires_in === undefined ? {} : { expiresAt: new Date(nowMs + expires_in * 1000).toISOString() }),
  }
}

const refused = (issuer: string, cause: unknown) =>
  new CliError(`${issuer} did not sign you in: ${errorMessage(cause)}.`, { cause, exitCode: exitCodes.notAllowed })

const expired = (cause?: unknown) =>
  new CliError('The session has expired.', {
    cause,
    exitCode: exitCodes.notAllowed,
    hint: 'Sign in again with "osb-backup login".',
  })
