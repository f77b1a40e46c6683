import { createHmac, randomBytes } from 'node:crypto'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

/** How many attempts to authenticate from an address, and with a name from it, may fail within a minute. */
const FAILURES_OF_ADDRESS = { points: 60, duration: 60 }
const FAILURES_OF_NAME = { points: 10, duration: 60 }
/** How many attempts over the limit wait to be checked, for each address; more are refused unchecked. */
const MAX_WAITING = 200
const MAX_REMEMBERED = 10_000

/** What is known of a credential before it is checked. */
export interface Attempt {
  address: string
  /** With a password: the name. */
  name: string | undefined
  /** The credential as it was sent. */
  credential: string
}

/** How an attempt ended. */
export type Outcome<T> = { caller: T } | { refused: 'invalid' } | { refused: 'too-many'; waitMs: number }

/**
 * Limits attempts to authenticate. Each one is counted before it is checked, so that concurrent ones count too, and no longer
 * counts once it succeeded. Over the limit an address is not locked out, since it may be a gateway that a valid caller shares
 * with an attacker: its attempts are checked one at a time, and those that fail are told to wait, and are not checked again for
 * a while. Credentials that were valid before are never delayed.
 */
export class AttemptLimits<T> {
  readonly #addresses = new RateLimiterMemory(FAILURES_OF_ADDRESS)
  readonly #names = new RateLimiterMemory(FAILURES_OF_NAME)
  readonly #lanes = new Map<string, { waiting: number; last: Promise<unknown> }>()
  /** Digests of credentials, least recently used first; the key is of this process alone. */
  readonly #digestKey = randomBytes(32)
  readonly #valid = new Set<string>()
  readonly #invalid = new Map<string, number>()

  /**
   * Checks a credential within the limits.
   *
   * @param check - Finds the caller; undefined: it is not valid.
   */
  async authenticate(attempt: Attempt, check: () => Promise<T | undefined>): Promise<Outcome<T>> {
    const digest = createHmac('sha256', this.#digestKey).update(attempt.credential).digest('base64')
    if (this.#valid.has(digest)) {
      const caller = await check()
      if (caller !== undefined) return { caller }
      // It was revoked, or has expired.
      this.#valid.delete(digest)
    }
    const waitMs = await this.#count(attempt)
    const checked = await (waitMs === undefined ? check() : this.#checkOverLimit(attempt.address, digest, check))
    if (checked === undefined) {
      remember(this.#invalid, digest, performance.now())
      return waitMs === undefined ? { refused: 'invalid' } : { refused: 'too-many', waitMs }
    }
    remember(this.#valid, digest)
    await this.#uncount(attempt)
    return { caller: checked }
  }

  /** Returns how long to wait, if the limit is exceeded. */
  async #count({ address, name }: Attempt): Promise<number | undefined> {
    const counted = [consume(this.#addresses, address)]
    if (name !== undefined) counted.push(consume(this.#names, `${address} ${name}`))
    const waits = (await Promise.all(counted)).filter((wait) => wait !== undefined)
    return waits.length === 0 ? undefined : Math.max(...waits)
  }

  async #uncount({ address, name }: Attempt): Promise<void> {
    await this.#addresses.reward(address)
    if (name !== undefined) await this.#names.reward(`${address} ${name}`)
  }

  /** A password may be set that was wrong before: refusals are remembered for as long as failures are counted. */
  #wasJustRefused(digest: string): boolean {
    const at = this.#invalid.get(digest)
    return at !== undefined && performance.now() - at < FAILURES_OF_ADDRESS.duration * 1000
  }

  async #checkOverLimit(address: string, digest: string, check: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#wasJustRefused(digest)) return undefined
    const lane = this.#lanes.get(address) ?? { waiting: 0, last: Promise.resolve() }
    if (lane.waiting >= MAX_WAITING) return undefined
    this.#lanes.set(address, lane)
    lane.waiting++
    const turn = lane.last.then(check, check)
    lane.last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      lane.waiting--
      if (lane.waiting === 0) this.#lanes.delete(address)
    }
  }
}

async function consume(limiter: RateLimiterMemory, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refused) {
    if (refused instanceof Error) throw refused
    return (refused as RateLimiterRes).msBeforeNext
  }
}

function remember(digests: Set<string> | Map<string, number>, digest: string, at = 0): void {
  digests.delete(digest)
  if (digests instanceof Map) digests.set(digest, at)
  else digests.add(digest)
  const [oldest] = digests.keys()
  if (digests.size > MAX_REMEMBERED && oldest !== undefined) digests.delete(oldest)
}
