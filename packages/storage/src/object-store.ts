import type { Readable } from 'node:stream'

/** An object as its store knows it. */
export interface StoredObject {
  /** Full name (key) in the bucket, container or directory. */
  name: string
  sizeBytes: number
  modifiedAt: Date
  /** What the store calls this content: the same for the same bytes under the same name. Not every call gives it. */
  tag?: string
}

/** What every call takes: a signal that breaks it off. A broken-off call rejects with the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal
}

/** What `put` takes. */
export interface PutOptions extends CallOptions {
  /**
   * Whether an object of the name may not be there yet. If one came to be in the meantime it stays, and `put` rejects with
   * the code `exists`. Servers that know no such condition replace it, so the caller looks for a free name all the same.
   */
  mustBeNew?: boolean | undefined
}

/**
 * A place that keeps objects: an S3 bucket, a Swift container, a directory. Every store passes the same suite
 * (`test/storage/`). All calls reject with a `StoreError`, save where the signal's reason or, in `put`, the content's
 * own error comes through. An error that came of both a failure and its clearing up tells both.
 *
 * Names are any Unicode text of 1 to 1,000 bytes in UTF-8 without control characters and without `.`, `..` or empty
 * segments between slashes: what all three kinds can hold. Others are refused with the code `invalid-name`. A
 * directory also refuses what its file system cannot hold: segments over 255 bytes, and `a/b` beside an object `a`.
 */
export interface ObjectStore {
  /** Says where objects go, for messages; holds no secret: `s3://bucket at http://host:9000`. */
  readonly location: string

  /**
   * Stores an object, replacing one of that name unless it must be new: the caller picks a free name. The object is there, whole, when
   * this resolves; when it rejects, nothing was left (parts and segments are removed).
   *
   * @param content - Read once, with backpressure; destroyed on failure. Its length need not be known.
   */
  put(name: string, content: Readable, options?: PutOptions): Promise<StoredObject>

  /**
   * Opens an object for reading. A connection that is lost later ends the stream with a `StoreError`, never with a
   * quiet end.
   *
   * @throws {StoreError} With code `absent` if there is none.
   */
  get(name: string, options?: CallOptions): Promise<Readable>

  /** Looks an object up; undefined if there is none. A missing bucket is an error, `absent`. */
  head(name: string, options?: CallOptions): Promise<StoredObject | undefined>

  /** Every object whose name begins with the prefix, in the order of names as bytes. Segments and parts are not listed. */
  list(prefix: string, options?: CallOptions): AsyncIterable<StoredObject>

  /** Removes an object with all its segments; one that is not there counts as removed. */
  remove(name: string, options?: CallOptions): Promise<void>
}
