import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { DISCARD_DEADLINE_MS, MAX_ERROR_BYTES, readBody } from '../bounded-body.ts'
import { NotSwiftAnswer } from './swift-error.ts'

/** An answer with JSON larger than this is not read to its end: a page of 10,000 names takes some megabytes. */
const MAX_JSON_BYTES = 32 * 1024 * 1024

/** A login: the token that every request to Swift carries, and Swift's URL. */
export interface Login {
  token: string
  /** Swift's URL for the project. */
  storageUrl: string
  /** When the password expires; absent: never, or the server does not say. */
  passwordExpiresAt?: Date
  /** Keystone's URL of the application credential that was logged in with. */
  applicationCredentialUrl?: string
}

/** A login as a server grants it. */
export interface GrantedLogin extends Login {
  /** How long the token is accepted; undefined: the server does not say. */
  lifeMs: number | undefined
}

/** What a request was for, as far as its answer shows whether Swift gave it. */
interface AskedFor {
  method: string
  name?: string | undefined
}

/**
 * Whether Swift itself gave an answer with an accepted status. A login page or a proxy may answer any request with 200.
 */
export function isFromSwift({ method, name }: AskedFor, { statusCode, headers }: Dispatcher.ResponseData): boolean {
  if (statusCode >= 300) return true
  const isPage = /^text\/html/i.test(String(headers['content-type'])) && headers['x-trans-id'] === undefined
  if (isPage) return false
  const isRead = method === 'HEAD' || method === 'GET'
  if (isRead && name !== undefined) return headers.etag !== undefined && headers['last-modified'] !== undefined
  return method !== 'HEAD' || headers['x-container-object-count'] !== undefined
}

/** Whether Swift, or something that speaks for it, gave an answer: it numbers each. */
export function hasTransactionId({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): boolean {
  return headers['x-trans-id'] !== undefined || headers['x-openstack-request-id'] !== undefined
}

/**
 * Reads an answer with JSON.
 *
 * @throws {NotSwiftAnswer} If it is not what the schema says.
 */
export async function readJson<T>(body: Readable, schema: z.ZodType<T>): Promise<T> {
  const content = await readBody(body, { maximumBytes: MAX_JSON_BYTES })
  if (content === undefined) throw new NotSwiftAnswer('The answer is too large')
  const parsed = schema.safeParse(jsonOf(content.toString('utf8')))
  if (!parsed.success) throw new NotSwiftAnswer('The answer is not the JSON that was asked for')
  return parsed.data
}

/** Discards the body of an answer; a long one with its connection. */
export async function discard(body: Dispatcher.ResponseData['body']): Promise<void> {
  await body.dump({ limit: MAX_ERROR_BYTES, signal: AbortSignal.timeout(DISCARD_DEADLINE_MS) })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A page of a list. Entries without a name are common prefixes. */
const listEntrySchema = z.object({
  name: z.string(),
  bytes: z.number(),
  last_modified: z.string(),
  hash: z.string().optional(),
})
export type ListEntry = z.infer<typeof listEntrySchema>
export const listSchema = z.array(listEntrySchema.or(z.object({ subdir: z.string() })))

/** The segments that a large object is made of. */
export const segmentsSchema = z.array(z.looseObject({ name: z.string(), sub_slo: z.boolean().optional() }))

/** The result of a removal with segments. */
export const bulkAnswerSchema = z.looseObject({
  'Response Status': z.string(),
  Errors: z.array(z.tuple([z.string(), z.string()])),
})

/** A token of Keystone, with the catalog of services. */
export const tokenSchema = z.object({
  token: z.object({
    issued_at: z.string(),
    expires_at: z.string(),
    user: z.object({ id: z.string(), password_expires_at: z.string().nullish() }).optional().catch(undefined),
    application_credential: z.object({ id: z.string() }).optional().catch(undefined),
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({
              interface: z.string(),
              url: z.string(),
              region: z.string().nullish(),
              region_id: z.string().nullish(),
            }),
          ),
        }),
      )
      .optional(),
  }),
})
export type TokenAnswer = z.infer<typeof tokenSchema>

/** An application credential, as its owner may read it. */
export const applicationCredentialSchema = z.object({
  application_credential: z.object({ expires_at: z.string().nullish() }),
})
