import { appendFile, readFile, stat } from 'node:fs/promises'
import { errorCode, writeFileAtomically } from '@osb-backup/node'
import type { JobKey } from '../jobs/job-record.ts'
import { keyDigest } from './key-digest.ts'
import { isDiskFull, reserveSpace, withReserve } from './space-reserve.ts'

/** How many ids are kept: those of the newest cancellations and deletions. */
const MAX_IDS = 10_000
/** The file is rewritten when it has this many lines. */
const MAX_LINES = 2 * MAX_IDS
/** Space for more than a thousand ids, for when the disk is full. */
const RESERVE_BYTES = 64 * 1024

/**
 * The ids of jobs that were cancelled or deleted, also of jobs that the agent did not know. The network may deliver a request to start
 * such a job after the cancellation: it must not start. The file has one line per id, and is appended to. Disk space is reserved for
 * it, since deletions are what frees a full disk.
 */
export class CancelledIds {
  readonly #path: string
  /** The oldest first. */
  readonly #ids: Set<string>
  #lines: number
  /** Whether the file ends with a line that was not written completely. */
  #isTorn: boolean
  /** Writes are made one after the other. */
  #written: Promise<void> = Promise.resolve()

  private constructor(path: string, text: string) {
    const lines = text.split('\n').filter((line) => /^(backup|restore)-[0-9a-f]{32}$/.test(line))
    this.#path = path
    this.#ids = new Set(lines.slice(-MAX_IDS))
    this.#lines = lines.length
    this.#isTorn = text !== '' && !text.endsWith('\n')
  }

  /** Reads the ids. A line that a crash cut off is ignored: its cancellation was not answered. */
  static async open(path: string): Promise<CancelledIds> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return ''
      throw error
    })
    const ids = new CancelledIds(path, text)
    await ids.#reserve()
    return ids
  }

  /** Whether a job must not start any more. */
  has(key: JobKey): boolean {
    return this.#ids.has(idOf(key))
  }

  /**
   * Adds an id: at once for `has`, and durably when this resolves.
   *
   * @throws If it could not be written.
   */
  add(key: JobKey): Promise<void> {
    const id = idOf(key)
    this.#ids.delete(id)
    this.#ids.add(id)
    for (const oldest of this.#ids) {
      if (this.#ids.size <= MAX_IDS) break
      this.#ids.delete(oldest)
    }
    const writing = this.#written.catch(() => undefined).then(() => this.#write(id))
    this.#written = writing
    return writing
  }

  async #write(id: string): Promise<void> {
    const isDue = this.#lines === 0 || this.#lines >= MAX_LINES
    if (isDue && (await this.#rewrite())) return
    await withReserve(this.#reservePath, () => this.#append(id))
    await this.#reserve()
  }

  /** @returns False if the disk is too full for a second file, while the first stays. */
  async #rewrite(): Promise<boolean> {
    const ids = [...this.#ids]
    try {
      await writeFileAtomically(this.#path, ids.map((each) => `${each}\n`).join(''))
    } catch (error) {
      if (isDiskFull(error)) return false
      throw error
    }
    this.#lines = ids.length
    this.#isTorn = false
    return true
  }

  async #append(id: string): Promise<void> {
    const line = this.#isTorn ? `\n${id}\n` : `${id}\n`
    this.#isTorn = true
    await appendFile(this.#path, line, { flush: true })
    this.#isTorn = false
    this.#lines++
  }

  get #reservePath(): string {
    return `${this.#path}.reserve`
  }

  /** Reserves the space that was used, once there is some again. */
  async #reserve(): Promise<void> {
    const found = await stat(this.#reservePath).catch(() => undefined)
    if (found?.size === RESERVE_BYTES) return
    await reserveSpace(this.#reservePath, RESERVE_BYTES).catch(() => undefined)
  }
}

/** Ids may be long: a digest of each is kept. */
const idOf = (key: JobKey): string => `${key.kind}-${keyDigest(key).slice(0, 32)}`
