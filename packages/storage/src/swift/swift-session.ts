import type { Dispatcher } from 'undici'
import { plainUrl } from '../plain-url.ts'
import { StoreError } from '../store-error.ts'
import { logInAtKeystone } from './keystone-login.ts'
import type { Login } from './swift-answer.ts'
import { toLoginError } from './swift-error.ts'
import { accountOf, authVersionOf, loginUrl, type SwiftSettings } from './swift-settings.ts'
import { logInWithTempAuth } from './temp-auth-login.ts'

/** A token is renewed after this share of its life, so that it outlives the request that it is used for. */
const RENEW_AFTER_SHARE = 0.8

/** Logs in once for many requests. */
export class SwiftSession {
  readonly #settings: SwiftSettings
  readonly #dispatcher: Dispatcher
  readonly #url: string
  #login: Promise<Login> | undefined
  #renewAt = 0

  constructor(settings: SwiftSettings, dispatcher: Dispatcher) {
    this.#settings = settings
    this.#dispatcher = dispatcher
    this.#url = loginUrl(settings)
  }

  /**
   * The current login, renewed if it is about to expire. Concurrent callers share one.
   *
   * @throws {StoreError} `denied` for a wrong user, password, domain or project: servers do not say which.
   */
  async login(): Promise<Login> {
    if (Date.now() >= this.#renewAt) this.#login = undefined
    if (this.#login) return this.#login
    this.#renewAt = Number.POSITIVE_INFINITY
    const login = this.#request().catch((error: unknown) => {
      if (this.#login === login) this.#login = undefined
      throw toLoginError(error, `log in at ${this.#url} as ${accountOf(this.#settings)}`)
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
    const logIn = authVersionOf(this.#settings) === '1' ? logInWithTempAuth : logInAtKeystone
    const { lifeMs, storageUrl, ...login } = await logIn(this.#url, this.#settings, this.#dispatcher)
    if (lifeMs !== undefined) this.#renewAt = Date.now() + Math.max(lifeMs, 0) * RENEW_AFTER_SHARE
    return {
      ...login,
      storageUrl: this.#settings.storageUrl
        ? plainUrl(this.#settings.storageUrl, 'The Swift URL')
        : this.#checked(storageUrl),
    }
  }

  /** The URL that a login leads to: never to a place without TLS from one with it. */
  #checked(storageUrl: string): string {
    const url = plainUrl(storageUrl, 'The Swift URL that the login leads to')
    if (url.startsWith('https:') || !this.#url.startsWith('https:')) return url
    throw new StoreError(
      'misconfigured',
      `The login at ${this.#url} leads to Swift without TLS, at ${url}: its token and all data would be readable on the way.`,
    )
  }
}
