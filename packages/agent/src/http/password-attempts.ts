import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { basicAuth } from './basic-auth.ts'

/** Failed attempts of one address within a window, after which its attempts are rejected without comparing the password. */
const MAX_FAILURES = 20
const WINDOW_MS = 60_000
/** How long an address that has authenticated successfully keeps being let in with the right password. */
const KNOWN_MS = 24 * 3_600_000
/** Addresses that are remembered at most; the oldest are forgotten. */
const MAX_ADDRESSES = 10_000

/** How an attempt to authenticate ended. `limited`: it was not compared, after too many failures. */
export type Attempt = { result: 'accepted' } | { result: 'rejected' } | { result: 'limited'; retryAfterSeconds: number }

/**
 * Checks the credentials of callers, and limits how often an address may guess them. An address from which the right password came
 * before is not locked out, so that nobody who shares it with the manager can keep the manager from its agent. Synchronous,
 * so that concurrent attempts are counted one after the other.
 */
export class PasswordAttempts {
  readonly #isValid: (header: string | undefined) => boolean
  readonly #log: Pick<Logger, 'warn'>
  readonly #failures = new Map<string, { count: number; endsAt: number }>()
  /** When the right password last came from an address. */
  readonly #known = new Map<string, number>()

  constructor({ username, password }: { username: string; password: string }, log: Pick<Logger, 'warn'>) {
    this.#isValid = basicAuth(username, password)
    this.#log = log
  }

  /**
   * Checks the Authorization header of a call.
   *
   * @param nowMs - Of a monotonic clock.
   */
  check(address: string, header: string | undefined, nowMs: number): Attempt {
    // Without a password there is nothing to guess with.
    if (header === undefined) return { result: 'rejected' }
    const key = networkOf(address)
    const failed = this.#failures.get(key)
    const isLimited = failed !== undefined && failed.endsAt > nowMs && failed.count >= MAX_FAILURES
    if (isLimited && !this.#isKnown(key, nowMs)) {
      return { result: 'limited', retryAfterSeconds: Math.ceil((failed.endsAt - nowMs) / 1000) }
    }
    if (this.#isValid(header)) {
      remember(this.#known, key, nowMs)
      return { result: 'accepted' }
    }
    this.#count(key, address, nowMs)
    return { result: 'rejected' }
  }

  #isKnown(key: string, nowMs: number): boolean {
    const seenAt = this.#known.get(key)
    return seenAt !== undefined && nowMs - seenAt < KNOWN_MS
  }

  #count(key: string, address: string, nowMs: number): void {
    const before = this.#failures.get(key)
    const isSameWindow = before !== undefined && before.endsAt > nowMs
    const count = isSameWindow ? before.count + 1 : 1
    remember(this.#failures, key, { count, endsAt: isSameWindow ? before.endsAt : nowMs + WINDOW_MS })
    if (count < MAX_FAILURES) this.#log.warn({ address, failures: count }, 'authentication failed')
    else if (count === MAX_FAILURES) {
      this.#log.warn(
        { address, failures: count },
        'authentication failed too often: the address is limited for a minute',
      )
    }
  }
}

/** One machine may use every address of an IPv6 network. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [head = ''] = address.split('::')
  const groups = head.split(':')
  return [...groups, ...Array<string>(4).fill('0')].slice(0, 4).join(':')
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_ADDRESSES && oldest !== undefined) map.delete(oldest)
}
