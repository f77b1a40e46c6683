import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { FetchText } from './fetch-text.ts'
import { IdentityProviderError } from './identity-provider-error.ts'

/** How long an answer is cached: a user who lost a role in a space keeps access for that long. */
const CACHE_MS = 60_000
const MAX_CACHED = 10_000

/** What a user may do with a service instance, in Cloud Foundry's words: `manage` is to change it. */
export interface Permissions {
  read: boolean
  manage: boolean
}

const permissionsSchema = z.object({ read: z.boolean().default(false), manage: z.boolean() })
const none: Permissions = { read: false, manage: false }

/** Asks Cloud Foundry, with the user's own token, what the user may do with a service instance. */
export class CloudFoundry {
  readonly #url: string
  readonly #fetchText: FetchText
  readonly #log: Logger
  /** By token and instance, least recently used first. Promises, so that concurrent calls ask once. */
  readonly #answers = new Map<string, { cachedUntilMs: number; permissions: Promise<Permissions> }>()

  constructor(url: string, fetchText: FetchText, log: Logger) {
    this.#url = url
    this.#fetchText = fetchText
    this.#log = log
  }

  /**
   * @param token - Valid: it was checked.
   * @throws {IdentityProviderError} If Cloud Foundry does not answer.
   */
  permissions(token: string, instanceId: string): Promise<Permissions> {
    // Ids are GUIDs there; any other could send the token to another path.
    if (!/^[\w-]{1,100}$/.test(instanceId)) return Promise.resolve(none)
    const key = createHash('sha256').update(`${token} ${instanceId}`).digest('base64')
    const known = this.#answers.get(key)
    this.#answers.delete(key)
    if (known !== undefined && performance.now() < known.cachedUntilMs) {
      this.#answers.set(key, known)
      return known.permissions
    }
    const permissions = this.#ask(token, instanceId)
    const asked = { cachedUntilMs: performance.now() + CACHE_MS, permissions }
    this.#answers.set(key, asked)
    permissions.catch(() => {
      if (this.#answers.get(key) === asked) this.#answers.delete(key)
    })
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > MAX_CACHED && oldest !== undefined) this.#answers.delete(oldest)
    return permissions
  }

  /** Version 3 first. Both answer 404 for an instance that does not exist, and for a path that they do not support. */
  async #ask(token: string, instanceId: string): Promise<Permissions> {
    return (await this.#get('v3', token, instanceId)) ?? (await this.#get('v2', token, instanceId)) ?? none
  }

  /** Undefined: 404. */
  async #get(version: 'v3' | 'v2', token: string, instanceId: string): Promise<Permissions | undefined> {
    const url = `${this.#url}/${version}/service_instances/${instanceId}/permissions`
    const { status, text } = await this.#fetchText(url, { authorization: `Bearer ${token}` }).catch(
      (cause: unknown) => {
        throw this.#fail('unreachable', `${url} cannot be reached`, cause)
      },
    )
    switch (status) {
      case 200:
        return this.#read(url, text)
      case 404:
        return undefined
      case 401:
      case 403:
        return none
      default:
        throw this.#fail('unreachable', `${url} answered ${status}`)
    }
  }

  #read(url: string, text: string): Permissions {
    try {
      return permissionsSchema.parse(JSON.parse(text))
    } catch (cause) {
      throw this.#fail('unusable-answer', `${url} does not answer permissions`, cause)
    }
  }

  #fail(code: IdentityProviderError['code'], reason: string, cause?: unknown): IdentityProviderError {
    const message = `Cloud Foundry (${this.#url}) does not say what this user may do; try again later.`
    const error = new IdentityProviderError(code, message, { cause: new Error(reason, { cause }) })
    this.#log.warn({ err: error }, 'Cloud Foundry cannot be asked')
    return error
  }
}
