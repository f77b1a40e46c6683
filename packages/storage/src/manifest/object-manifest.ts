import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { manifestEnding, type ObjectManifest, objectManifestSchema } from '@osb-backup/protocol'
import { ContentError } from '../content/content-error.ts'
import type { CallOptions, ObjectStore, StoredObject } from '../object-store.ts'
import { StoreError } from '../store-error.ts'

/** A manifest has a few kilobytes; a larger object is not a manifest and is not read into memory. */
const MAXIMUM_BYTES = 1024 * 1024

/** The name of the manifest of an object. Both are listed, moved and removed together. */
export function manifestName(objectName: string): string {
  return objectName + manifestEnding
}

/** Whether a listed name is that of a manifest, and so not an object to restore from. */
export function isManifestName(name: string): boolean {
  return name.endsWith(manifestEnding)
}

/**
 * Writes the manifest of an object that is stored and verified: an object with a manifest is complete.
 *
 * @param objectName - Full name of the object; the manifest contains its last segment.
 * @throws {StoreError} The object has no manifest then; the caller decides whether to keep it.
 */
export async function writeManifest(
  store: ObjectStore,
  objectName: string,
  manifest: Omit<ObjectManifest, 'kind' | 'version' | 'object'>,
  options: CallOptions = {},
): Promise<ObjectManifest> {
  const written: ObjectManifest = objectManifestSchema.parse({
    ...manifest,
    kind: 'osb-backup-object',
    version: 1,
    object: baseName(objectName),
  })
  const bytes = Buffer.from(`${JSON.stringify(written, undefined, 2)}\n`)
  await store.put(manifestName(objectName), Readable.from([bytes]), options)
  return written
}

/**
 * Reads the manifest of an object.
 *
 * @returns undefined if there is none, as with backups of other agents.
 * @throws {ContentError} With code `corrupt` if the stored text is not this object's manifest.
 */
export async function readManifest(
  store: ObjectStore,
  objectName: string,
  options: CallOptions = {},
): Promise<ObjectManifest | undefined> {
  const name = manifestName(objectName)
  const found = await store.head(name, options)
  if (!found) return undefined
  if (found.sizeBytes > MAXIMUM_BYTES) throw new ContentError('corrupt', `"${name}" is too large to be a manifest.`)
  const text = await contentOf(store, name, options)
  if (text === undefined) return undefined
  const manifest = objectManifestSchema.safeParse(jsonOf(text))
  if (manifest.success && manifest.data.object === baseName(objectName)) return manifest.data
  throw new ContentError('corrupt', `"${name}" is not the manifest of "${objectName}".`)
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
 * @returns False if another object has the name.
 */
export async function removeExpected(
  store: ObjectStore,
  name: string,
  isExpected: (found: StoredObject) => Promise<boolean>,
  options: CallOptions = {},
): Promise<boolean> {
  // Looked up first: a manifest that is older than the object's removal belongs to no newer object.
  const manifest = await store.head(manifestName(name), options)
  const object = await store.head(name, options)
  if (object !== undefined) {
    if (!(await isExpected(object)) || !(await store.removeIfSame(object, options))) return false
  }
  if (manifest !== undefined) await store.removeIfSame(manifest, options)
  return true
}

async function contentOf(store: ObjectStore, name: string, options: CallOptions): Promise<string | undefined> {
  try {
    return (await buffer(await store.get(name, options))).toString()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'absent') return undefined
    throw error
  }
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
