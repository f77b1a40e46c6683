import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { SettingsError } from '@osb-backup/node'
import { Agent, type Dispatcher } from 'undici'
import { requestText, type TextAnswer } from '../../shared/request-text.ts'

const CALL_TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * Fetches a URL, within 10 seconds. Throws if there was no complete answer.
 *
 * @param form - Sent by POST, as an HTML form is; absent: GET.
 */
export type FetchText = (
  url: string,
  headers?: Record<string, string>,
  form?: Record<string, string>,
) => Promise<TextAnswer>

/**
 * Creates a function that fetches from the identity provider and Cloud Foundry.
 *
 * @param caFile - PEM file of authorities to trust besides the system's.
 * @throws {SettingsError} If that file cannot be read.
 */
export function createFetchText(caFile: string | undefined): FetchText {
  const dispatcher = new Agent({ connect: caFile === undefined ? {} : { ca: authorities(caFile) } })
  return async (url, headers = {}, form?) => {
    const get = () => sendOnce(dispatcher, url, headers, form)
    // A server may close an idle connection at the moment it is reused; a new one is tried once.
    return get().catch((error: unknown) => (isBrokenConnection(error) ? get() : Promise.reject(error)))
  }
}

/** The header with which a client authenticates at a token endpoint (RFC 6749, 2.3.1). */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':')
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

function authorities(caFile: string): string[] {
  try {
    return [...getCACertificates('default'), readFileSync(caFile, 'utf8')]
  } catch (cause) {
    throw new SettingsError(`OIDC_CA_FILE (${caFile}) cannot be read: ${codeOf(cause)}.`, { cause })
  }
}

function sendOnce(
  dispatcher: Dispatcher,
  url: string,
  headers: Record<string, string>,
  form: Record<string, string> | undefined,
): Promise<TextAnswer> {
  const sent =
    form === undefined
      ? { headers }
      : {
          method: 'POST' as const,
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams(form).toString(),
        }
  return requestText(url, {
    ...sent,
    dispatcher,
    headers: { accept: 'application/json', ...sent.headers },
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    maxAnswerBytes: MAX_ANSWER_BYTES,
  })
}

function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
