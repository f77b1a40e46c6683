import { appendFile, readFile } from 'node:fs/promises'
import { errorCode, writeFileAtomically } from '@osb-backup/node'
import type { JobKey } from '../jobs/job-record.ts'
import { keyDigest } from './key-digest.ts'

/** How many ids are kept: those of the newest cancellations and deletions. */
const MAX_IDS = 10_000
/** The file is rewritten when it has this many lines. */
const MAX_LINES = 2 * MAX_IDS

/**
 * The ids of jobs that were cancelled or deleted, also of jobs that the agent did not know. The network may deliver a request to start
 * such a job after the cancellation: it must not start. The file has one line per id, and is appended to.
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
    return new CancelledIds(path, text)
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
    if (this.#lines === 0 || this.#isTorn || this.#lines >= MAX_LINES) {
      const ids = [...this.#ids]
      await writeFileAtomically(this.#path, ids.map((each) => `${each}\n`).join(''))
      this.#lines = ids.length
      this.#isTorn = false
      return
    }
    this.#isTorn = true
    await appendFile(this.#path, `${id}\n`, { flush: true })
    this.#isTorn = false
    this.#lines++
  }
}

/** Ids may be long: a digest of each is kept. */
const idOf = (key: JobKey): string => `${key.kind}-${keyDigest(key).slice(0, 32)}`
