import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import { basicAuth } from './basic-auth.ts'
import type { KnownCallers } from './known-callers.ts'

/** Failed attempts of one address within a window, after which almost all of its attempts are rejected without comparing the password. */
const MAX_FAILURES = 20
const WINDOW_MS = 60_000
/** How often a password is compared all the same: the address may be shared by a valid caller. */
const COMPARED_EVERY_MS = 1000
/** Addresses that are remembered at most; the oldest are forgotten. */
const MAX_ADDRESSES = 10_000

/** How an attempt to authenticate ended. `limited`: it failed, or was not compared, after too many failures. */
export type Attempt = { result: 'accepted' } | { result: 'rejected' } | { result: 'limited'; retryAfterSeconds: number }

/**
 * Checks the credentials of callers, and limits how often an address may guess them. Nobody who shares an address with the manager
 * can keep the manager from its agent: one from which the right password came before is not limited, and another is slowed down but
 * not locked out. Synchronous, so that concurrent attempts are counted one after the other.
 */
export class PasswordAttempts {
  readonly #isValid: (header: string | undefined) => boolean
  readonly #log: Pick<Logger, 'warn'>
  readonly #known: KnownCallers
  readonly #failures = new Map<string, Failures>()

  constructor(
    { username, password }: { username: string; password: string },
    { known, log }: { known: KnownCallers; log: Pick<Logger, 'warn'> },
  ) {
    this.#isValid = basicAuth(username, password)
    this.#known = known
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
    const isLimited =
      failed !== undefined && failed.endsAt > nowMs && failed.count >= MAX_FAILURES && !this.#known.has(key)
    if (isLimited && nowMs - failed.comparedAt < COMPARED_EVERY_MS) return limitedUntil(failed.endsAt, nowMs)
    if (this.#isValid(header)) {
      this.#known.add(key)
      return { result: 'accepted' }
    }
    this.#count(key, address, nowMs)
    return isLimited ? limitedUntil(failed.endsAt, nowMs) : { result: 'rejected' }
  }

  #count(key: string, address: string, nowMs: number): void {
    const before = this.#failures.get(key)
    const isSameWindow = before !== undefined && before.endsAt > nowMs
    const count = isSameWindow ? before.count + 1 : 1
    const endsAt = isSameWindow ? before.endsAt : nowMs + WINDOW_MS
    remember(this.#failures, key, { count, endsAt, comparedAt: nowMs })
    if (count < MAX_FAILURES) this.#log.warn({ address, failures: count }, 'authentication failed')
    else if (count === MAX_FAILURES) {
      this.#log.warn(
        { address, failures: count },
        'authentication failed too often: the address is limited for a minute',
      )
    }
  }
}

/** The attempts of an address that failed within a window. */
interface Failures {
  count: number
  endsAt: number
  /** When a password was last compared. */
  comparedAt: number
}

const limitedUntil = (endsAt: number, nowMs: number): Attempt => ({
  result: 'limited',
  retryAfterSeconds: Math.ceil((endsAt - nowMs) / 1000),
})

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
