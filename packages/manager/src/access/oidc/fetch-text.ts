import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { SettingsError } from '@osb-backup/node'
import { Agent, type Dispatcher, request } from 'undici'

const CALL_TIMEOUT_MS = 10_000
const LARGEST_ANSWER_BYTES = 1024 * 1024

/** An answer, whatever its status. Redirects are not followed: they could lead a token elsewhere. */
export interface TextAnswer {
  status: number
  text: string
}

/** Gets what is at a URL, within 10 seconds. Throws whatever went wrong if there was no whole answer. */
export type FetchText = (url: string, headers?: Record<string, string>) => Promise<TextAnswer>

/**
 * Makes the way to reach the identity provider and Cloud Foundry.
 *
 * @param caFile - PEM file of authorities to trust besides the system's.
 * @throws {SettingsError} If that file cannot be read.
 */
export function makeFetchText(caFile: string | undefined): FetchText {
  const dispatcher = new Agent({ connect: caFile === undefined ? {} : { ca: authorities(caFile) } })
  return async (url, headers = {}) => {
    const get = () => getOnce(dispatcher, url, headers)
    // A server may end a connection in the moment it is used again; that says nothing about the next one.
    return get().catch((error: unknown) => (isBrokenConnection(error) ? get() : Promise.reject(error)))
  }
}

function authorities(caFile: string): string[] {
  try {
    return [...getCACertificates('default'), readFileSync(caFile, 'utf8')]
  } catch (cause) {
    throw new SettingsError(`OIDC_CA_FILE (${caFile}) cannot be read: ${codeOf(cause)}.`, { cause })
  }
}

async function getOnce(dispatcher: Dispatcher, url: string, headers: Record<string, string>): Promise<TextAnswer> {
  const { statusCode, body } = await request(url, {
    dispatcher,
    headers: { accept: 'application/json', ...headers },
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > LARGEST_ANSWER_BYTES) throw new Error(`its answer is larger than ${LARGEST_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return { status: statusCode, text: Buffer.concat(chunks).toString('utf8') }
}

function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
