import { chmod, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createDirectory,
  errorMessage,
  removeTemporaryFiles,
  syncDirectory,
  writeFileAtomically,
} from '@osb-backup/node'
import type { JobKey, JobRecord } from '../jobs/job-record.ts'
import { CancelledIds } from './cancelled-ids.ts'
import { keyDigest } from './key-digest.ts'
import { isDiskFull, reserveSpace, withReserve } from './space-reserve.ts'
import { parseJob, serializeJob, serializeShortened } from './stored-job.ts'

/** The content of a journal: its jobs, and the files that could not be read. */
export interface JournalContent {
  jobs: JobRecord[]
  unreadable: { file: string; problem: string }[]
}

/** The name of a job's file. */
const fileOf = (key: JobKey): string => `${key.kind}-${keyDigest(key)}.json`
/** The file with the ids of jobs that must not start any more. */
const CANCELLED_IDS = 'cancelled-ids'
/** Occupies the space that the end of a running job needs. */
const reserveOf = (file: string): string => `${file}.reserve`
/** What a record grows by until its job has ended, without the output of scripts. */
const GROWTH_BYTES = 32 * 1024
const isJobFile = (name: string): boolean => /^(backup|restore)-[0-9a-f]{64}\.json$/.test(name)

/**
 * The jobs of an agent on disk, with one file for each. Files have the mode 0600 in a directory with 0700, since they
 * contain the passwords of running jobs.
 */
export class Journal {
  /** The jobs that must not start any more. */
  readonly cancelled: CancelledIds
  readonly #directory: string
  /** Pending writes by file: they run one after the other, so that the last requested state is the last one written. */
  readonly #queues = new Map<string, Promise<void>>()

  private constructor(directory: string, cancelled: CancelledIds) {
    this.#directory = directory
    this.cancelled = cancelled
  }

  /** Opens a journal, and creates its directory. The caller holds the lock of the directory. */
  static async open(directory: string): Promise<Journal> {
    await createDirectory(directory, 0o700)
    await chmod(directory, 0o700)
    await removeTemporaryFiles(directory)
    return new Journal(directory, await CancelledIds.open(join(directory, CANCELLED_IDS)))
  }

  /**
   * Resolves when the record, as it is now, would survive a crash. On a full disk the space that was reserved for the job
   * is used, and then the output of its scripts is left out.
   */
  write(record: JobRecord): Promise<void> {
    const text = serializeJob(record)
    const shortened = serializeShortened(record)
    return this.#inOrder(fileOf(record.request), async (file) => {
      const path = join(this.#directory, file)
      try {
        await withReserve(reserveOf(path), () => writeFileAtomically(path, text))
      } catch (error) {
        if (!isDiskFull(error)) throw error
        await writeFileAtomically(path, shortened)
      }
    })
  }

  /**
   * Reserves the disk space for the further states of a job, until it is released or removed.
   *
   * @throws If the disk is too full.
   */
  reserve(record: JobRecord): Promise<void> {
    const sizeBytes = serializeJob(record).length + GROWTH_BYTES
    return this.#inOrder(fileOf(record.request), (file) =>
      reserveSpace(reserveOf(join(this.#directory, file)), sizeBytes),
    )
  }

  /** Gives the space back that was reserved for a job. */
  release(key: JobKey): Promise<void> {
    return this.#inOrder(fileOf(key), (file) => rm(reserveOf(join(this.#directory, file)), { force: true }))
  }

  /** Reads one job; undefined if there is none. */
  async read(key: JobKey): Promise<JobRecord | undefined> {
    const text = await readFile(join(this.#directory, fileOf(key)), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return undefined
    const job = parseJob(text)
    if (!job.ok) throw new Error(`${join(this.#directory, fileOf(key))} cannot be read: ${job.error}`)
    return job.value
  }

  /** Removes a job. One that does not exist counts as removed. */
  remove(key: JobKey): Promise<void> {
    return this.#inOrder(fileOf(key), async (file) => {
      await rm(join(this.#directory, file), { force: true })
      await rm(reserveOf(join(this.#directory, file)), { force: true })
      await syncDirectory(this.#directory)
    })
  }

  /** Reads all jobs. Files that cannot be read are reported and kept. */
  async readAll(): Promise<JournalContent> {
    const content: JournalContent = { jobs: [], unreadable: [] }
    for (const name of (await readdir(this.#directory)).filter(isJobFile)) {
      const file = join(this.#directory, name)
      try {
        const job = parseJob(await readFile(file, 'utf8'))
        if (job.ok) content.jobs.push(job.value)
        else content.unreadable.push({ file, problem: job.error })
      } catch (error) {
        content.unreadable.push({ file, problem: errorMessage(error) })
      }
    }
    return content
  }

  #inOrder(file: string, act: (file: string) => Promise<void>): Promise<void> {
    const doing = (this.#queues.get(file) ?? Promise.resolve()).catch(() => undefined).then(() => act(file))
    this.#queues.set(file, doing)
    const forget = () => {
      if (this.#queues.get(file) === doing) this.#queues.delete(file)
    }
    doing.then(forget, forget)
    return doing
  }
}
