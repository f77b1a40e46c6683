import { createHash, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto'
import { renewalText } from '@osb-backup/protocol/v1'
import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import { ensureAuthority, fingerprintOf, loadX509 } from '../certificates/authority.ts'
import type { KeyPair } from '../certificates/x509.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { changedMeanwhile, RequestError } from '../shared/request-error.ts'
import * as repository from './enrolment-repository.ts'
import { getAgent } from './service.ts'

/** The prefix of enrolment tokens, so that secret scanners recognize one that leaked. */
const TOKEN_PREFIX = 'osbe_'
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

type EnrolmentContext = Pick<Context, 'database' | 'sealer' | 'settings'>

/** What an agent receives. */
export interface IssuedCertificate {
  agentId: string
  certificate: string
  caCertificate: string
  expiresAt: Date
}

/** Describes the call of an agent for the audit log. */
export type DescribeCall = (agent: { id: string; name: string | undefined }) => Call

/** Tokens are long and random, so one round of SHA-256 protects them. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/**
 * Creates the token with which an agent gets its first certificate, or a new one in place of one that is lost. An earlier token is
 * void then; its certificate is accepted until the new token was used.
 *
 * @throws {RequestError} If there is no such agent, or it is registered with a plain HTTP URL.
 */
export async function createEnrolment(
  context: EnrolmentContext,
  call: Call,
  id: string,
): Promise<{ agentId: string; token: string; expiresAt: Date; caFingerprint: string }> {
  const agent = await getAgent(context, call, id)
  if (!isHttps(agent.url)) throw needsHttps()
  const { certificate } = await ensureAuthority(context)
  const token = TOKEN_PREFIX + randomBytes(32).toString('base64url')
  const lifetimeMs = context.settings.enrolmentTokenMinutes * MINUTE_MS
  const expiresAt = new Date((await readClock(context)).getTime() + lifetimeMs)
  await inAuditedTransaction(context, call, (tx) => repository.storeToken(tx, id, hashOf(token), expiresAt))
  return { agentId: id, token, expiresAt, caFingerprint: fingerprintOf(certificate) }
}

/**
 * Issues the certificate of an agent that has a token. Each token works once; only the same request may be repeated, since the
 * answer to it may be lost.
 *
 * @returns Undefined, if the token is unknown, expired or used.
 * @throws {RequestError} If the signing request cannot be used.
 */
export async function enrol(
  context: EnrolmentContext,
  describe: DescribeCall,
  { token, certificateRequest }: { token: string; certificateRequest: string },
): Promise<IssuedCertificate | undefined> {
  const tokenHash = hashOf(token)
  const found = await repository.findByToken(context, tokenHash)
  if (found === undefined) return undefined
  const publicKey = await readRequest(certificateRequest)
  const authority = await ensureAuthority(context)
  if (found.isUsed)
    return hasKey(found.certificate, publicKey) ? issued(found.id, found.certificate, authority) : undefined
  const certificate = await issueFor(context, authority, found, publicKey)
  return inAuditedTransaction(context, describe(found), async (tx) => {
    await repository.lockEnrolment(tx, found.id)
    const current = await repository.findByToken(tx, tokenHash)
    if (current === undefined || current.isUsed) throw new RequestError('conflict', 'This token was used meanwhile.')
    if (current.url !== found.url) throw changedMeanwhile()
    const answer = issued(found.id, certificate, authority)
    await repository.storeEnrolled(tx, found.id, certificate, answer.expiresAt)
    return answer
  })
}

/**
 * Issues the next certificate of an agent.
 *
 * @param signature - Over `renewalText`, by the key of the certificate that is renewed: the current one, or one that was issued and
 *   not presented yet.
 * @returns Undefined, if there is no such agent, or the signature is that of no valid certificate of it.
 * @throws {RequestError} If the signing request cannot be used.
 */
export async function renew(
  context: EnrolmentContext,
  describe: DescribeCall,
  { agentId, certificateRequest, signature }: { agentId: string; certificateRequest: string; signature: string },
): Promise<IssuedCertificate | undefined> {
  const found = await repository.findEnrolment(context, agentId)
  if (found === undefined) return undefined
  const text = Buffer.from(renewalText(agentId, certificateRequest))
  const renewed = [found.certificate, found.nextCertificate].find(
    (certificate) =>
      certificate !== undefined && isValid(certificate, found.now) && isSignedBy(certificate, text, signature),
  )
  if (renewed === undefined) return undefined
  const publicKey = await readRequest(certificateRequest)
  const authority = await ensureAuthority(context)
  if (hasKey(found.nextCertificate, publicKey) && renewed === found.certificate) {
    return issued(agentId, found.nextCertificate, authority)
  }
  const certificate = await issueFor(context, authority, found, publicKey)
  return inAuditedTransaction(context, describe(found), async (tx) => {
    await repository.lockEnrolment(tx, agentId)
    const current = await repository.findEnrolment(tx, agentId)
    const isUnchanged =
      current?.certificate === found.certificate &&
      current?.nextCertificate === found.nextCertificate &&
      current?.url === found.url
    if (!isUnchanged) throw changedMeanwhile()
    await repository.storeRenewed(tx, agentId, {
      certificate: renewed,
      expiresAt: expiryOf(renewed),
      nextCertificate: certificate,
    })
    return issued(agentId, certificate, authority)
  })
}

async function readRequest(pem: string): Promise<Buffer> {
  const { publicKeyOfRequest } = await loadX509()
  const publicKey = await publicKeyOfRequest(pem)
  if (publicKey !== undefined) return publicKey
  const message =
    'certificateRequest must be a certificate signing request (PKCS #10) in PEM, for an ECDSA key on P-256.'
  throw new RequestError('invalid', message, { field: 'certificateRequest' })
}

async function issueFor(
  { settings }: EnrolmentContext,
  authority: KeyPair,
  { id, url, now }: repository.Enrolment,
  publicKey: Buffer,
): Promise<string> {
  if (!isHttps(url)) throw needsHttps()
  const { issueServerCertificate } = await loadX509()
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  const validity = { from: now, lifetimeMs: settings.agentCertificateDays * DAY_MS }
  return issueServerCertificate(authority, { publicKey, host, id }, validity)
}

function issued(agentId: string, certificate: string, authority: KeyPair): IssuedCertificate {
  return { agentId, certificate, caCertificate: authority.certificate, expiresAt: expiryOf(certificate) }
}

const isHttps = (url: string): boolean => new URL(url).protocol === 'https:'

const needsHttps = () =>
  new RequestError('conflict', 'An agent is enrolled for TLS: change its url to https:// first.', { field: 'url' })

/** When a certificate expires. */
export const expiryOf = (certificate: string): Date => new X509Certificate(certificate).validToDate

const isValid = (certificate: string, now: Date): boolean => expiryOf(certificate) > now

function hasKey(certificate: string | undefined, publicKey: Buffer): certificate is string {
  if (certificate === undefined) return false
  const key = new X509Certificate(certificate).publicKey
  return key.equals(createPublicKey({ key: publicKey, format: 'der', type: 'spki' }))
}

function isSignedBy(certificate: string, text: Buffer, signature: string): boolean {
  return verify('sha256', text, new X509Certificate(certificate).publicKey, Buffer.from(signature, 'base64'))
}
