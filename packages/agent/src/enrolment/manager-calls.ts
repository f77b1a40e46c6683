import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { getCACertificates } from 'node:tls'
import {
  type AgentCertificate,
  agentCertificateSchema,
  type CertificateRenewal,
  type CertificateRequest,
  renewalText,
} from '@osb-backup/protocol/v1/agents'
import type { CurrentCertificate } from './enrolment-file.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 64 * 1024

/** How the manager is reached, and recognized. */
export interface ManagerAddress {
  url: string
  /** CAs in PEM that may have signed the certificate of the manager's API, in addition to those of the system. */
  ca: string | undefined
  /** SHA-256 of the certificate of the CA that issues the certificates of agents. */
  fingerprint: string
}

/** The manager refused, or what answered is not the manager. Waiting does not help. */
export class EnrolmentRefused extends Error {
  override readonly name = 'EnrolmentRefused'
}

/**
 * Asks for the first certificate.
 *
 * @param key - The private key, in PEM, that the request was created with.
 * @throws {EnrolmentRefused} If the token is not accepted, or the answer is not that of the expected manager.
 */
export async function requestCertificate(
  manager: ManagerAddress,
  body: CertificateRequest,
  key: string,
  signal: AbortSignal,
): Promise<CurrentCertificate> {
  return verified(await post(manager, 'v1/agent-certificates', body, signal), manager, key)
}

/**
 * Asks for the next certificate; the key of the current one signs the request.
 *
 * @throws {EnrolmentRefused} If the current certificate is not accepted, or the answer is not that of the expected manager.
 */
export async function renewCertificate(
  manager: ManagerAddress,
  current: CurrentCertificate,
  { key, certificateRequest }: { key: string; certificateRequest: string },
  signal: AbortSignal,
): Promise<CurrentCertificate> {
  const { agentId } = current
  const text = Buffer.from(renewalText(agentId, certificateRequest))
  const signature = sign('sha256', text, createPrivateKey(current.key)).toString('base64')
  const body: CertificateRenewal = { agentId, certificateRequest, signature }
  return verified(await post(manager, 'v1/agent-certificates/renew', body, signal), manager, key)
}

/** Whether a certificate is that of the expected CA. */
export const hasFingerprint = (certificate: string, fingerprint: string): boolean =>
  new X509Certificate(certificate).fingerprint256 === fingerprint

export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Only a server with a key of the expected CA can answer. */
function verified(answer: AgentCertificate, { fingerprint }: ManagerAddress, key: string): CurrentCertificate {
  const { agentId, certificate, caCertificate } = answer
  if (!isIssuedBy(certificate, caCertificate, fingerprint, key)) {
    throw new EnrolmentRefused('the certificate in the answer is not that of the CA with enrolment_fingerprint')
  }
  return { agentId, key, certificate, caCertificate }
}

function isIssuedBy(certificate: string, caCertificate: string, fingerprint: string, key: string): boolean {
  try {
    const [issued, ca] = [new X509Certificate(certificate), new X509Certificate(caCertificate)]
    const isExpected = ca.fingerprint256 === fingerprint && issued.checkIssued(ca) && issued.verify(ca.publicKey)
    return isExpected && issued.publicKey.equals(createPublicKey(key))
  } catch {
    // Not certificates at all.
    return false
  }
}

async function post(
  { url, ca }: ManagerAddress,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<AgentCertificate> {
  const target = new URL(path, url.endsWith('/') ? url : `${url}/`)
  const { status, text } = await send(target, ca, JSON.stringify(body), signal)
  if (status === 201) {
    const { data } = agentCertificateSchema.safeParse(parsed(text))
    if (data !== undefined) return data
    throw new EnrolmentRefused('what answers at enrolment_url is not a manager')
  }
  const { detail } = (parsed(text) ?? {}) as { detail?: unknown }
  const reason = `the manager answered ${status}${typeof detail === 'string' ? `: ${detail.slice(0, 500)}` : ''}`
  throw status === 429 || status >= 500 ? new Error(reason) : new EnrolmentRefused(reason)
}

function send(
  target: URL,
  ca: string | undefined,
  body: string,
  stopping: AbortSignal,
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)])
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const options = { method: 'POST', headers, signal, agent: false } as const
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const sent =
    target.protocol === 'https:'
      ? requestHttps(target, {
          ...options,
          // A list replaces Node's own, so that is in it too.
          ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
        })
      : requestHttp(target, options)
  sent.on('error', reject)
  sent.on('response', (answer) => {
    const chunks: Buffer[] = []
    let size = 0
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) answer.destroy(new Error('its answer is too large'))
      else chunks.push(chunk)
    })
    answer.on('error', reject)
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
  })
  sent.end(body)
  return promise
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
