import type { Readable } from 'node:stream'

/** An object as its store knows it. */
export interface StoredObject {
  /** Full name (key) in the bucket, container or directory. */
  name: string
  sizeBytes: number
  modifiedAt: Date
  /**
   * The store's tag (ETag) of this content: the same for the same bytes under the same name. Not every call returns it.
   */
  tag?: string
  /** How long ago it was modified, by the clock of the store alone. Not every call returns it, nor every kind of store. */
  ageMs?: number
}

/** Options of every call: a signal that cancels it. A cancelled call rejects with the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal
}

/** Options of `get`. */
export interface GetOptions extends CallOptions {
  /** The bytes to read, `end` exclusive; absent: all. The object must have them. */
  range?: { from: number; end: number }
}

/** What is known of an object before its store has it. */
export interface AnnouncedObject {
  sizeBytes: number
  /** Absent: the store may choose another one than follows from the content. */
  tag?: string
  /** Only where the store keeps the time of a file that is complete. */
  modifiedAt?: Date
}

/**
 * Records what an upload does before it does it, so that after a crash nothing is removed but what is its own. If a record fails, the
 * upload does.
 */
export interface UploadRecorder {
  /** Parts, segments or a temporary file are stored under an id. */
  begun(id: string): Promise<void>
  /** The object is about to be created; the last call counts. */
  committing(expected: AnnouncedObject): Promise<void>
}

/** Options of `put`. */
export interface PutOptions extends CallOptions {
  recorder?: UploadRecorder
  /**
   * Whether no object of this name may exist. If one does, it is kept and `put` rejects with the code `exists`. Servers
   * that do not support this condition replace it, so the caller still has to choose a free name.
   */
  mustBeNew?: boolean
}

/**
 * A store of objects: an S3 bucket, a Swift container, a directory. Every store passes the same conformance suite
 * (`test/storage/`). All calls reject with a `StoreError`, except for the signal's reason and, in `put`, the content's
 * own error, which are passed on. If the cleanup after a failure fails too, the error reports both.
 *
 * Names are any Unicode text of 1 to 1,000 bytes in UTF-8 without control characters and without `.`, `..` or empty
 * segments between slashes: what all kinds can store. Others are rejected with the code `invalid-name`. A directory
 * also rejects what its file system cannot store: segments over 255 bytes, and `a/b` beside an object `a`.
 */
export interface ObjectStore {
  /** Where objects are stored, for messages; contains no secret: `s3://bucket at http://host:9000`. */
  readonly location: string

  /**
   * Stores an object and replaces an existing one of that name unless it must be new. When this resolves, the object is
   * complete; when it rejects, nothing is left (parts and segments are removed).
   *
   * @param content - Read once, with backpressure; destroyed on failure. Its length may be unknown.
   */
  put(name: string, content: Readable, options?: PutOptions): Promise<StoredObject>

  /**
   * Opens an object for reading. A connection that is lost later fails the stream with a `StoreError`; it never ends
   * early.
   *
   * @throws {StoreError} With code `absent` if there is none.
   */
  get(name: string, options?: GetOptions): Promise<Readable>

  /**
   * Returns what the store knows of an object; undefined if it does not exist. A missing bucket is an error, `absent`.
   */
  head(name: string, options?: CallOptions): Promise<StoredObject | undefined>

  /**
   * Lists every object whose name begins with the prefix, in byte order of names. Segments and parts are not listed.
   */
  list(prefix: string, options?: CallOptions): AsyncIterable<StoredObject>

  /** Removes an object with all its segments; one that does not exist counts as removed. */
  remove(name: string, options?: CallOptions): Promise<void>

  /**
   * Removes an object, provided that it is still the one that `head` returned. Each attempt compares again, so that a retry
   * after a lost answer never removes a newer object of the same name. Where the server supports it, the removal itself is
   * conditional; elsewhere the comparison comes immediately before it.
   *
   * @returns False if another object has the name now. One that does not exist counts as removed.
   */
  removeIfSame(object: StoredObject, options?: CallOptions): Promise<boolean>

  /**
   * When the credentials expire that the store is used with; undefined: never, or the server does not say. Absent: there are no
   * servers of this kind that do.
   */
  credentialsExpireAt?(options?: CallOptions): Promise<Date | undefined>
}

/** Whether two answers of `head` are about the same object: it was not replaced in between, as far as the store tells. */
export function isSameObject(one: StoredObject, other: StoredObject): boolean {
  return (
    one.name === other.name &&
    one.sizeBytes === other.sizeBytes &&
    one.modifiedAt.getTime() === other.modifiedAt.getTime() &&
    one.tag === other.tag
  )
}
