import { addressRule, connectorUnder } from '@osb-backup/storage'
import { Agent, request } from 'undici'

const MAX_ANSWER_BYTES = 64 * 1024

/** What is posted. */
export interface Post {
  url: string
  headers?: Record<string, string>
  body: string
}

/** How notifications may be delivered. */
export interface DeliveryRules {
  privateDestinations: 'allow' | 'forbid'
  /** Aborts the delivery. */
  signal: AbortSignal
}

/**
 * Posts to an address that the operator allows. Redirects are not followed, and the answer's content is not shown: it may be
 * anything.
 *
 * @throws {Error} If the answer is not 2xx; its message names no URL, since some authorize anyone who knows them.
 */
export async function post(
  { url, headers, body }: Post,
  { privateDestinations, signal }: DeliveryRules,
): Promise<void> {
  const dispatcher = new Agent({ connect: connectorUnder(addressRule(privateDestinations), {}) })
  try {
    const answer = await request(url, { method: 'POST', headers: headers ?? {}, body, dispatcher, signal })
    let sizeBytes = 0
    for await (const chunk of answer.body) {
      sizeBytes += (chunk as Buffer).length
      if (sizeBytes > MAX_ANSWER_BYTES) throw new Error(`The answer is larger than ${MAX_ANSWER_BYTES} bytes.`)
    }
    if (answer.statusCode < 200 || answer.statusCode > 299) throw new Error(`The server answered ${answer.statusCode}.`)
  } finally {
    await dispatcher.destroy()
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** Posts JSON. */
export function postJson(
  url: string,
  content: unknown,
  rules: DeliveryRules,
  headers: Record<string, string> = {},
): Promise<void> {
  return post({ url, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(content) }, rules)
}
