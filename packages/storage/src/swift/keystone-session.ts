import { type Dispatcher, request } from 'undici'
import { plainUrl } from '../plain-url.ts'
import { parseRetryAfter } from '../retry-after.ts'
import { StoreError } from '../store-error.ts'
import { discard, readJson, type TokenAnswer, tokenSchema } from './swift-answer.ts'
import { NotSwiftAnswer, toSwiftStoreError, UnexpectedStatus } from './swift-error.ts'
import { keystoneUrl, type SwiftSettings } from './swift-settings.ts'

/** A login: the token that every request to Swift carries, and Swift's URL. */
export interface Login {
  token: string
  /** Swift's URL for the project, without a slash at the end. */
  storageUrl: string
}

/** A token is renewed after this share of its life, so that it outlives the request that it is used for. */
const RENEW_AFTER_SHARE = 0.8

/** Authenticates at Keystone v3 with a password, once for many requests. */
export class KeystoneSession {
  readonly #settings: SwiftSettings
  readonly #dispatcher: Dispatcher
  readonly #url: string
  #login: Promise<Login> | undefined
  #renewAt = 0

  constructor(settings: SwiftSettings, dispatcher: Dispatcher) {
    this.#settings = settings
    this.#dispatcher = dispatcher
    this.#url = keystoneUrl(settings)
  }

  /**
   * The current login, renewed if it is about to expire. Concurrent callers share one.
   *
   * @throws {StoreError} `denied` for a wrong user, password, domain or project: Keystone does not say which.
   */
  async login(): Promise<Login> {
    if (Date.now() >= this.#renewAt) this.#login = undefined
    if (this.#login) return this.#login
    this.#renewAt = Number.POSITIVE_INFINITY
    const login = this.#request().catch((error: unknown) => {
      if (this.#login === login) this.#login = undefined
      throw toSwiftStoreError(error, `log in at ${this.#url} as ${this.#settings.username}`)
    })
    this.#login = login
    return login
  }

  /** Discards a login that Swift rejected; another caller may have renewed it already. */
  async renew(refused: Login): Promise<Login> {
    if ((await this.login()).token === refused.token) this.#login = undefined
    return this.login()
  }

  async #request(): Promise<Login> {
    const { username, password, domain, projectName } = this.#settings
    const { statusCode, headers, body } = await request(`${this.#url}/auth/tokens`, {
      dispatcher: this.#dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: username, password, domain: { name: domain } } },
          },
          scope: { project: { name: projectName, domain: { name: domain } } },
        },
      }),
    })
    const token = headers['x-subject-token']
    if (statusCode !== 201 || typeof token !== 'string') {
      await discard(body)
      // 404 comes from something that is not Keystone, not from a missing container.
      if (statusCode === 404) throw new UnexpectedStatus(400)
      if (statusCode < 300) throw new NotSwiftAnswer(`Status ${statusCode} is not an answer of Keystone`)
      throw new UnexpectedStatus(statusCode, parseRetryAfter(headers['retry-after'], new Date()))
    }
    const answer = await readJson(body, tokenSchema)
    const storageUrl = this.#storageUrl(answer)
    const lifeMs = Date.parse(answer.token.expires_at) - Date.parse(answer.token.issued_at)
    this.#renewAt = Date.now() + Math.max(lifeMs, 0) * RENEW_AFTER_SHARE
    return { token, storageUrl }
  }

  #storageUrl(answer: TokenAnswer): string {
    const { region, storageUrl } = this.#settings
    if (storageUrl) return plainUrl(storageUrl, 'The Swift URL')
    const found = (answer.token.catalog ?? [])
      .filter((service) => service.type === 'object-store')
      .flatMap((service) => service.endpoints)
      .filter((endpoint) => endpoint.interface === 'public')
      .find((endpoint) => !region || endpoint.region === region || endpoint.region_id === region)
    if (found) {
      const url = plainUrl(found.url, "The Swift URL in Keystone's catalog")
      if (url.startsWith('https:') || !this.#url.startsWith('https:')) return url
      throw new StoreError(
        'misconfigured',
        `Keystone at ${this.#url} leads to Swift without TLS, at ${url}: its token and all data would be readable on the way.`,
      )
    }
    const where = region ? ` in region ${region}` : ''
    throw new StoreError(
      'misconfigured',
      `Keystone at ${this.#url} knows no public object-store endpoint${where} for project ${this.#settings.projectName}.`,
    )
  }
}
