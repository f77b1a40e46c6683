import type { Logger } from 'pino'
import { z } from 'zod'
import { basicAuthorization, type FetchText } from './fetch-text.ts'
import { IdentityProviderError } from './identity-provider-error.ts'

/** A token is renewed so long before it expires. */
const RENEW_BEFORE_MS = 30_000

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().default(60) })
const instanceSchema = z.object({
  relationships: z.object({ space: z.object({ data: z.object({ guid: z.string().min(1) }) }) }),
})
const rolesSchema = z.object({ pagination: z.object({ total_results: z.number() }) })

/** A client that Cloud Foundry lets read the roles of all users: `cloud_controller.global_auditor`. */
export interface CloudControllerClient {
  /** Of the Cloud Foundry API, without a slash at the end. */
  url: string
  clientId: string
  clientSecret: string
}

/** Asks Cloud Foundry, with a client of the manager's own, what one of its users may do. */
export class CloudController {
  readonly #client: CloudControllerClient
  readonly #tokenEndpoint: () => Promise<string>
  readonly #fetchText: FetchText
  readonly #log: Logger
  #token: { value: string; usableUntilMs: number } | undefined

  constructor(client: CloudControllerClient, tokenEndpoint: () => Promise<string>, fetchText: FetchText, log: Logger) {
    this.#client = client
    this.#tokenEndpoint = tokenEndpoint
    this.#fetchText = fetchText
    this.#log = log
  }

  /**
   * Whether a user may change a service instance: they are a developer of its space.
   *
   * @throws {IdentityProviderError} If Cloud Foundry does not answer.
   */
  async mayManage(userId: string, instanceId: string): Promise<boolean> {
    // Ids are GUIDs there; any other could lead to another path.
    if (![userId, instanceId].every((id) => /^[\w-]{1,100}$/.test(id))) return false
    const found = await this.#get(`/v3/service_instances/${instanceId}`, instanceSchema)
    if (found === undefined) return false
    const query = new URLSearchParams({
      user_guids: userId,
      space_guids: found.relationships.space.data.guid,
      types: 'space_developer',
      per_page: '1',
    })
    const roles = await this.#get(`/v3/roles?${query}`, rolesSchema)
    return (roles?.pagination.total_results ?? 0) > 0
  }

  /** Undefined: 404. */
  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const url = this.#client.url + path
    const { status, text } = await this.#send(url, { authorization: `Bearer ${await this.#accessToken()}` })
    if (status === 404) return undefined
    if (status === 401) this.#token = undefined
    return this.#read(url, status, text, schema)
  }

  async #accessToken(): Promise<string> {
    if (this.#token !== undefined && performance.now() < this.#token.usableUntilMs) return this.#token.value
    const { clientId, clientSecret } = this.#client
    const url = await this.#tokenEndpoint()
    const headers = { authorization: basicAuthorization(clientId, clientSecret) }
    const { status, text } = await this.#send(url, headers, { grant_type: 'client_credentials' })
    const answer = this.#read(url, status, text, tokenSchema)
    const usableForMs = answer.expires_in * 1000 - RENEW_BEFORE_MS
    this.#token = { value: answer.access_token, usableUntilMs: performance.now() + usableForMs }
    return answer.access_token
  }

  #send(url: string, headers: Record<string, string>, form?: Record<string, string>) {
    return this.#fetchText(url, headers, form).catch((cause: unknown) => {
      throw this.#fail('unreachable', `${url} cannot be reached`, cause)
    })
  }

  #read<T>(url: string, status: number, text: string, schema: z.ZodType<T>): T {
    if (status !== 200) {
      const code = status >= 500 || status === 429 ? 'unreachable' : 'unusable-answer'
      throw this.#fail(code, `${url} answered ${status}`)
    }
    try {
      return schema.parse(JSON.parse(text))
    } catch (cause) {
      throw this.#fail('unusable-answer', `${url} does not answer what it should`, cause)
    }
  }

  #fail(code: IdentityProviderError['code'], reason: string, cause?: unknown): IdentityProviderError {
    const message = `Cloud Foundry (${this.#client.url}) does not say what this user may do; try again later.`
    const error = new IdentityProviderError(code, message, { cause: new Error(reason, { cause }) })
    this.#log.warn({ err: error }, 'Cloud Foundry cannot be asked')
    return error
  }
}
