import { readFile } from 'node:fs/promises'
import { errorCode, errorMessage, writeFileAtomically } from '@osb-backup/node'
import type { Logger } from 'pino'
import { z } from 'zod'

/** How long an address that has authenticated successfully is known. */
const KNOWN_MS = 24 * 3_600_000
/** How much later than it was noted an address is noted again. */
const NOTE_MS = 3_600_000
/** Addresses that are known at most; the oldest are forgotten. */
const MAX_ADDRESSES = 10_000

const contentSchema = z.record(z.string(), z.iso.datetime())

interface Dependencies {
  now: () => Date
  log: Pick<Logger, 'warn'>
}

/** The addresses that the right password came from lately. They are stored, so that a restart of the agent does not forget them. */
export class KnownCallers {
  readonly #path: string | undefined
  readonly #deps: Dependencies
  /** When the right password last came from an address, the oldest first. */
  readonly #seenAt: Map<string, number>
  /** Writes are made one after the other. */
  #written: Promise<void> = Promise.resolve()

  /** @param path - Undefined: they are not stored. */
  constructor(deps: Dependencies, path?: string, seenAt: Iterable<[string, number]> = []) {
    this.#deps = deps
    this.#path = path
    this.#seenAt = new Map(seenAt)
  }

  /** Reads what an earlier agent knew. A file that cannot be read is replaced. */
  static async open(path: string, deps: Dependencies): Promise<KnownCallers> {
    try {
      const content = contentSchema.parse(JSON.parse(await readFile(path, 'utf8')))
      return new KnownCallers(
        deps,
        path,
        Object.entries(content).map(([address, at]) => [address, Date.parse(at)]),
      )
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') deps.log.warn({ err: errorMessage(error) }, `${path} is not used`)
      return new KnownCallers(deps, path)
    }
  }

  has(address: string): boolean {
    const seenAt = this.#seenAt.get(address)
    return seenAt !== undefined && this.#deps.now().getTime() - seenAt < KNOWN_MS
  }

  /** Notes that the right password came from an address. */
  add(address: string): void {
    const now = this.#deps.now().getTime()
    const notedAt = this.#seenAt.get(address)
    if (notedAt !== undefined && Math.abs(now - notedAt) < NOTE_MS) return
    this.#seenAt.delete(address)
    this.#seenAt.set(address, now)
    const [oldest] = this.#seenAt.keys()
    if (this.#seenAt.size > MAX_ADDRESSES && oldest !== undefined) this.#seenAt.delete(oldest)
    this.#written = this.#written.then(() => this.#write())
  }

  /** Resolves when everything is stored that can be. */
  settled(): Promise<void> {
    return this.#written
  }

  /** What cannot be stored is known until the agent ends. */
  async #write(): Promise<void> {
    if (this.#path === undefined) return
    const content = Object.fromEntries([...this.#seenAt].map(([address, at]) => [address, new Date(at).toISOString()]))
    await writeFileAtomically(this.#path, JSON.stringify(content), { mode: 0o600 }).catch((error: unknown) =>
      this.#deps.log.warn({ err: errorMessage(error) }, 'the addresses of callers are not stored'),
    )
  }
}
