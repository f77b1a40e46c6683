import { randomUUID } from 'node:crypto'
import type { ObjectStore, StoreOptions } from '@osb-backup/storage'

/** What the suite needs of a kind of store. */
export interface StoreUnderTest {
  /** Creates an empty bucket, container or directory. */
  prepare(): Promise<void>
  /** Opens it. */
  open(options?: StoreOptions): ObjectStore
  /** Opens one that does not exist, on the same server. */
  openMissing(): ObjectStore
  /** Opens it with a wrong password; absent where there are no credentials. */
  openWithWrongCredentials?(): ObjectStore
  /** Opens one on a server that does not answer; absent where there is no server. */
  openUnreachable?(): ObjectStore
  /** How many parts, segments or temporary files there are that belong to no object. */
  countOrphans(): Promise<number>
  /** Whether the server supports conditional writes: it refuses to replace an object if one must be new. */
  knowsConditions: boolean
  /** Sizes at which the store uploads in another way. */
  boundaries: readonly number[]
  /** Removes what `prepare` created. */
  cleanUp(): Promise<void>
}

export const MEBIBYTE = 1024 * 1024

/** As small as the servers allow, so that three of them are soon sent. */
const PART_BYTES = { partSizeBytes: 5 * MEBIBYTE, segmentSizeBytes: 4 * MEBIBYTE }

/** Three parts or segments. */
export const MULTIPART_BYTES = 11 * MEBIBYTE

/** Larger than what is buffered and in flight together. */
export const LARGE_BYTES = 50 * 1_000_000

/** The store that is tested, for the tests of the suite. */
export class Suite {
  readonly tested: StoreUnderTest
  #store: ObjectStore | undefined

  constructor(tested: StoreUnderTest) {
    this.tested = tested
  }

  /** Call it before the tests. */
  async prepare(): Promise<void> {
    await this.tested.prepare()
    this.#store = this.tested.open(PART_BYTES)
  }

  get store(): ObjectStore {
    if (this.#store === undefined) throw new Error('The suite is not prepared.')
    return this.#store
  }

  /** A name that no other test uses. */
  freeName(): string {
    return `test-${randomUUID()}`
  }

  async names(prefix: string): Promise<string[]> {
    return (await collected(this.store.list(prefix))).map((object) => object.name)
  }
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
