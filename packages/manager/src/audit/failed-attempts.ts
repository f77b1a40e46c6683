import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import * as repository from './repository.ts'

/** Failures of one address within this time become one entry, besides the first. */
const WINDOW_MS = 60_000
/** How many addresses get entries of their own within that time. */
const MAX_ADDRESSES = 100
const MAX_NAME_LENGTH = 200
const MANY = 'many addresses'

/** An attempt to authenticate that failed. */
export interface FailedAttempt {
  address: string
  /** The name that was given, if any. Never the credential. */
  name: string
  /** Method and route. */
  action: string
  path: string
  status: number
}

/**
 * Records failed attempts to authenticate in the audit log. The first of an address is recorded at once; those that follow within
 * a minute become one entry with their number, so that a storm of them does not fill the table.
 */
export class FailedAttempts {
  readonly #context: Pick<Context, 'database' | 'log'>
  readonly #windows = new Map<string, { last: FailedAttempt; more: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(context: Pick<Context, 'database' | 'log'>) {
    this.#context = context
  }

  async record(attempt: FailedAttempt): Promise<void> {
    const isKnown = this.#windows.has(attempt.address)
    const address = isKnown || this.#windows.size < MAX_ADDRESSES ? attempt.address : MANY
    const window = this.#windows.get(address)
    if (window !== undefined) {
      window.last = { ...attempt, address }
      window.more++
      return
    }
    this.#windows.set(address, { last: { ...attempt, address }, more: 0 })
    this.#timer ??= setTimeout(() => void this.flush(), WINDOW_MS).unref()
    await this.#write({ ...attempt, address }, attempt.action)
  }

  /** Records what was counted so far. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const windows = [...this.#windows.values()]
    this.#windows.clear()
    for (const { last, more } of windows) {
      if (more > 0) await this.#write(last, `${last.action} (${more} more failed attempts)`)
    }
  }

  async #write({ address, name, path, status }: FailedAttempt, action: string): Promise<void> {
    const caller = { kind: 'unauthenticated', id: '', name: name.slice(0, MAX_NAME_LENGTH) }
    try {
      const at = await readClock(this.#context)
      await repository.insertAuditEntry(this.#context, {
        at,
        caller,
        address,
        action,
        path,
        status,
        instanceId: undefined,
      })
    } catch (error) {
      this.#context.log.error({ err: error, address }, 'a failed attempt to authenticate was not recorded')
    }
  }
}
