import { hash as sha256Of } from 'node:crypto'
import { Readable } from 'node:stream'
import { manifestEnding, type ObjectManifest, objectManifestSchema } from '@osb-backup/protocol'
import { type ChunkList, isWhole } from '../chunks/chunk-list.ts'
import { ContentError } from '../content/content-error.ts'
import type { CallOptions, ObjectStore, StoredObject } from '../object-store.ts'
import { StoreError } from '../store-error.ts'

/** The manifest of an object of 5 TB has 44 MB; a larger object is not a manifest and is not read into memory. */
const MAXIMUM_BYTES = 64 * 1024 * 1024

/**
 * How many values a manifest may have: 5 TB have 600,000 chunks, and metadata has at most 128 Ki values. Anyone who can write to a
 * store could otherwise have its readers spend gigabytes of memory on 64 MiB of brackets.
 */
const MAXIMUM_VALUES = 1_000_000

/** The digests of 6 TB, which take less than the 64 MiB. */
const MAXIMUM_LISTED_CHUNKS = 750_000

/** A manifest as it is stored. */
export interface ReadManifest {
  manifest: ObjectManifest
  /**
   * The root of its object: SHA-256 in hex of the manifest as it is stored, and so of the digests of all chunks, sizes, name,
   * transforms and metadata. With a recorded root the store need not be trusted.
   */
  root: string
}

/** What was recorded of an object; fields that are absent are not checked. */
export interface ExpectedObject {
  sizeBytes?: number
  /** SHA-256 of the stored object, in hex. */
  sha256?: string
  /** SHA-256 of its manifest, in hex. */
  root?: string
}

/** The name of the manifest of an object. Both are listed, moved and removed together. */
export function manifestName(objectName: string): string {
  return objectName + manifestEnding
}

/** Whether a listed name is that of a manifest, and so not an object to restore from. */
export function isManifestName(name: string): boolean {
  return name.endsWith(manifestEnding)
}

/**
 * Writes the manifest of an object that is stored and verified: an object with a manifest is complete. Where the digests of
 * its chunks are too many to be read back, the manifest has none, and the object is verified by its own digest.
 *
 * @param objectName - Full name of the object; the manifest contains its last segment.
 * @throws {StoreError} The object has no manifest then; the caller decides whether to keep it.
 */
export async function writeManifest(
  store: ObjectStore,
  objectName: string,
  manifest: Omit<ObjectManifest, 'kind' | 'version' | 'object'>,
  options: CallOptions = {},
): Promise<ReadManifest> {
  const whole = objectManifestSchema.parse({
    ...manifest,
    kind: 'osb-backup-object',
    version: manifest.chunks === undefined ? 1 : 2,
    object: baseName(objectName),
  })
  const isReadable = (whole.chunks?.sha256.length ?? 0) <= MAXIMUM_LISTED_CHUNKS
  const written: ObjectManifest = isReadable ? whole : { ...whole, version: 1, chunks: undefined }
  const bytes = Buffer.from(`${JSON.stringify(written, undefined, 2)}\n`)
  await store.put(manifestName(objectName), Readable.from([bytes]), options)
  return { manifest: written, root: sha256Of('sha256', bytes, 'hex') }
}

/**
 * Reads the manifest of an object.
 *
 * @param expectedRoot - What its digest must be, if that was recorded.
 * @returns undefined if there is none, as with backups of other agents.
 * @throws {ContentError} With code `corrupt` if the stored text is not this object's manifest, `mismatch` if it is not the one
 *   that was recorded.
 */
export async function readManifest(
  store: ObjectStore,
  objectName: string,
  { root: expectedRoot, ...options }: CallOptions & Pick<ExpectedObject, 'root'> = {},
): Promise<ReadManifest | undefined> {
  const name = manifestName(objectName)
  const found = await store.head(name, options)
  if (!found) return undefined
  if (found.sizeBytes > MAXIMUM_BYTES) throw tooLarge(name)
  const bytes = await contentOf(store, name, options)
  if (bytes === undefined) return undefined
  const root = sha256Of('sha256', bytes, 'hex')
  if (expectedRoot !== undefined && root !== expectedRoot) {
    const message = `"${name}" has the SHA-256 ${root} where ${expectedRoot} was recorded: it was changed or replaced.`
    throw new ContentError('mismatch', message)
  }
  // Only what matched a recorded root is known to be no trap.
  if (expectedRoot === undefined && hasTooManyValues(bytes)) throw tooLarge(name)
  const manifest = objectManifestSchema.safeParse(jsonOf(bytes.toString('utf8')))
  if (manifest.success && manifest.data.object === baseName(objectName)) return { manifest: manifest.data, root }
  throw new ContentError('corrupt', `"${name}" is not the manifest of "${objectName}".`)
}

/** The digests of the chunks that a manifest records; undefined if it is of an older version. */
export function chunkListOf({ stored, chunks }: ObjectManifest): ChunkList | undefined {
  if (chunks === undefined) return undefined
  const list = { objectBytes: stored.sizeBytes, chunkBytes: chunks.sizeBytes, sha256: chunks.sha256 }
  return isWhole(list) ? list : undefined
}

/** Removes an object and then its manifest. Idempotent: a repeated call removes what is left of both. */
export async function removeWithManifest(store: ObjectStore, name: string, options: CallOptions = {}): Promise<void> {
  await store.remove(name, options)
  await store.remove(manifestName(name), options)
}

/**
 * Removes an object and then its manifest, if the object is the expected one. An object that took the name since is kept
 * with its manifest, also if it appears meanwhile. Idempotent.
 *
 * @param isExpected - Judges the object that has the name now.
 * @param options.recorded - The object as its store described it: what is left of it is removed too where nothing has the name, as
 *   behind a delete marker.
 * @returns False if another object has the name.
 */
export async function removeExpected(
  store: ObjectStore,
  name: string,
  isExpected: (found: StoredObject) => Promise<boolean>,
  { recorded, ...options }: CallOptions & { recorded?: StoredObject } = {},
): Promise<boolean> {
  // Looked up first: a manifest that is older than the object's removal belongs to no newer object.
  const manifest = await store.head(manifestName(name), options)
  const object = await store.head(name, options)
  if (object !== undefined) {
    if (!(await isExpected(object)) || !(await store.removeIfSame(object, options))) return false
  } else if (recorded !== undefined && !(await store.removeIfSame(recorded, options))) return false
  if (manifest !== undefined) await store.removeIfSame(manifest, options)
  return true
}

async function contentOf(store: ObjectStore, name: string, options: CallOptions): Promise<Buffer | undefined> {
  try {
    // It may have been replaced since its size was looked up.
    const chunks: Buffer[] = []
    let sizeBytes = 0
    for await (const chunk of await store.get(name, options)) {
      sizeBytes += chunk.length
      if (sizeBytes > MAXIMUM_BYTES) throw tooLarge(name)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'absent') return undefined
    throw error
  }
}

function tooLarge(name: string): ContentError {
  return new ContentError('corrupt', `"${name}" is too large to be a manifest.`)
}

/** Whether JSON has more values than a manifest may have, counted by what precedes each but the first. */
function hasTooManyValues(json: Buffer): boolean {
  let values = 0
  for (const opening of ['[', '{', ',']) {
    for (let at = json.indexOf(opening); at !== -1; at = json.indexOf(opening, at + 1)) {
      if (++values > MAXIMUM_VALUES) return true
    }
  }
  return false
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** undefined if the text is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
