import { errorMessage } from '@osb-backup/node'
import type { Configuration, TokenEndpointResponse } from 'openid-client'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import type { Io } from '../io.ts'
import { type OidcTokens, readConfig, writeConfig } from './config-file.ts'

/** A token is refreshed so long before it expires. */
const REFRESH_BEFORE_MS = 30_000
const REQUEST_TIMEOUT_SECONDS = 30
/** Longest time that a code is waited for, whatever the provider says. */
const MAXIMUM_CODE_SECONDS = 3600

/** How to sign in at an identity provider. */
export interface OidcSettings {
  issuer: string
  clientId: string
  scope: string
}

/**
 * Signs in with the device authorization grant (RFC 8628): shows an address and a code, and waits until the user has
 * confirmed it in a browser.
 *
 * @throws {CliError} If the user denied it, did not confirm it in time, or the provider cannot be used.
 */
export async function signInByDevice(io: Io, { issuer, clientId, scope }: OidcSettings): Promise<OidcTokens> {
  const oidc = await import('openid-client')
  const configuration = await discover(issuer, clientId)
  const started = await oidc.initiateDeviceAuthorization(configuration, { scope }).catch((cause: unknown) => {
    throw failure(issuer, cause)
  })
  const { verification_uri, verification_uri_complete, user_code, expires_in } = started
  io.stderr.write(
    `Open ${verification_uri_complete ?? verification_uri} in a browser and confirm the code ${user_code}.\n`,
  )
  const codeSeconds = Math.min(expires_in, MAXIMUM_CODE_SECONDS)
  const expiry = AbortSignal.timeout(codeSeconds * 1000)
  try {
    const signal = AbortSignal.any([io.signal, expiry])
    const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, started, undefined, { signal })
    return tokensOf({ issuer, clientId }, tokens, io.now())
  } catch (cause) {
    io.signal.throwIfAborted()
    const code = rejectionCode(cause)
    if (code === 'access_denied') {
      throw new CliError(`The sign-in was denied at ${issuer}.`, { cause, exitCode: exitCodes.notAllowed })
    }
    if (expiry.aborted || code === 'expired_token') {
      throw new CliError(`The code ${user_code} expired: it was not confirmed within ${codeSeconds} s.`, {
        cause,
        exitCode: exitCodes.timedOut,
        hint: 'Run "osb-backup login" again for a new code.',
      })
    }
    throw failure(issuer, cause)
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
    throw rejectionCode(cause) === undefined ? failure(tokens.issuer, cause) : expired(cause)
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
  if (!URL.canParse(issuer)) throw new UsageError(`"${issuer}" is not the URL of an identity provider.`)
  const url = new URL(issuer)
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  const options = {
    timeout: REQUEST_TIMEOUT_SECONDS,
    ...(isLoopback ? { execute: [oidc.allowInsecureRequests] } : {}),
  }
  return oidc.discovery(url, clientId, undefined, oidc.None(), options).catch((cause: unknown) => {
    throw failure(issuer, cause)
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

/** Why the provider rejected a request, as OAuth names it; undefined if it did not answer so. */
function rejectionCode(error: unknown): string | undefined {
  const isRejection = error instanceof Error && error.name === 'ResponseBodyError' && 'error' in error
  return isRejection ? String(error.error) : undefined
}

/** The failure of a request to the provider: either it rejected it, or it could not be reached. */
function failure(issuer: string, cause: unknown): CliError {
  const code = rejectionCode(cause)
  if (code === undefined) {
    return new CliError(`The identity provider ${issuer} cannot be used: ${errorMessage(cause)}.`, {
      cause,
      exitCode: exitCodes.unreachable,
    })
  }
  const description = cause instanceof Error && 'error_description' in cause ? cause.error_description : undefined
  const reason = description === undefined ? code : `${code} (${String(description)})`
  return new CliError(`${issuer} did not sign you in: ${reason}.`, { cause, exitCode: exitCodes.notAllowed })
}

const expired = (cause?: unknown) =>
  new CliError('The session has expired.', {
    cause,
    exitCode: exitCodes.notAllowed,
    hint: 'Sign in again with "osb-backup login".',
  })
