import { randomUUID } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import type { BrokerReply } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { addressRule, connectorUnder } from '@osb-backup/storage'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { mayHaveArrived, reasonOf } from '../agents/agent-transport.ts'
import type { Context } from '../context/context.ts'
import type { ServiceBroker } from './service-broker.ts'

/** The version of the Open Service Broker API that the manager speaks. */
const API_VERSION = '2.17'
/** What the manager calls itself as a platform. */
export const PLATFORM = 'osb-backup-manager'
/** A catalog with icons in it is large. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 10_000
/** Longest texts of a broker that are stored. */
const MAX_DESCRIPTION = 500

/** A request to a service broker. */
export interface BrokerCall {
  method: 'GET' | 'PUT' | 'DELETE'
  /** Below the URL of the broker. */
  path: string
  query?: Record<string, string | undefined>
  body?: unknown
  /** The user who caused it; undefined: nobody did. */
  requestedBy?: string | undefined
}

/** What came back from a service broker. */
export interface BrokerResult {
  reply: BrokerReply
  /** The body, if it is a JSON object. */
  body: Record<string, unknown> | undefined
  /** What `Retry-After` asks for. */
  retryAfterSeconds: number | undefined
  /** What happened, in words that follow "The service broker": "answered 503 (out of disk)". */
  words: string
}

type CallContext = Pick<Context, 'settings'>
const objectSchema = z.record(z.string(), z.unknown())

/**
 * Calls a service broker, at an address that the operator allows, within its time limit. Redirects are not followed: they could
 * send the password elsewhere. Never throws but when it is aborted.
 */
export async function callBroker(
  { settings }: CallContext,
  broker: ServiceBroker,
  call: BrokerCall,
  signal: AbortSignal,
): Promise<BrokerResult> {
  const timeoutMs = broker.requestTimeoutSeconds * 1000
  const dispatcher = new Agent({
    connect: connectorUnder(addressRule(settings.privateDestinations), {
      timeout: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
      ...(broker.caCertificate && { ca: [...getCACertificates('default'), broker.caCertificate] }),
    }),
  })
  try {
    const answer = await request(urlOf(broker, call), {
      dispatcher,
      method: call.method,
      headers: headersOf(broker, call),
      body: call.body === undefined ? null : JSON.stringify(call.body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    const body = bodyOf(await readText(answer.body))
    return resultOf(broker, answer.statusCode, body, answer.headers['retry-after'])
  } catch (error) {
    signal.throwIfAborted()
    const kind = mayHaveArrived(error) ? 'no-answer' : 'not-sent'
    const words = `did not answer: ${withoutDot(reasonOf(error, timeoutMs))}`
    return { reply: { kind }, body: undefined, retryAfterSeconds: undefined, words }
  } finally {
    await dispatcher.destroy()
  }
}

function urlOf(broker: ServiceBroker, { path, query = {} }: BrokerCall): string {
  const parameters = new URLSearchParams(omitUndefined(query) as Record<string, string>).toString()
  return `${broker.url.replace(/\/+$/, '')}${path}${parameters === '' ? '' : `?${parameters}`}`
}

function headersOf(broker: ServiceBroker, { body, requestedBy }: BrokerCall): Record<string, string> {
  const credentials = Buffer.from(`${broker.username}:${broker.password ?? ''}`).toString('base64')
  const identity = requestedBy && Buffer.from(JSON.stringify({ user: requestedBy })).toString('base64')
  return {
    authorization: `Basic ${credentials}`,
    accept: 'application/json',
    'x-broker-api-version': API_VERSION,
    'x-broker-api-request-identity': randomUUID(),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(identity && { 'x-broker-api-originating-identity': `${PLATFORM} ${identity}` }),
  }
}

/** @throws {Error} If the answer is too large, or ends before it is complete. */
async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function bodyOf(text: string): Record<string, unknown> | undefined {
  try {
    const parsed = objectSchema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

function resultOf(
  { password }: ServiceBroker,
  status: number,
  body: Record<string, unknown> | undefined,
  retryAfter: string | string[] | undefined,
): BrokerResult {
  const description = textOf(body?.description)?.replaceAll(password ?? '\0', '***')
  const seconds = typeof retryAfter === 'string' && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined
  return {
    reply: { kind: 'answer', status, isWellFormed: body !== undefined, error: textOf(body?.error) },
    body,
    retryAfterSeconds: seconds,
    words: `answered ${status}${description === undefined ? '' : ` (${withoutDot(description)})`}`,
  }
}

/** A text of a broker, shortened, without control characters; undefined where it is none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  return value.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, MAX_DESCRIPTION)
}

const withoutDot = (text: string) => text.replace(/\.$/, '')
