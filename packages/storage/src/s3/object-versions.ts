import {
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { CallOptions, StoredObject } from '../object-store.ts'
import { StoreError } from '../store-error.ts'
import type { HiddenVersion } from '../store-kind.ts'
import type { StoreOptions } from '../store-options.ts'
import { s3Clients } from './s3-client.ts'
import { isNoSuchObject, isUnsupported, statusOf, toS3StoreError } from './s3-error.ts'
import type { S3Settings } from './s3-settings.ts'

/** What S3 calls the version of an object that was stored while its bucket kept none. */
const NO_ID = 'null'

interface ObjectKey {
  Bucket: string
  Key: string
}

interface Version extends HiddenVersion {
  versionId: string
  isLatest: boolean
  modifiedAt: Date | undefined
  tag: string | undefined
}

/** What became of an object whose versions were to be deleted. */
export type VersionsRemoval =
  /** Nothing of it is left, also where it did not exist. */
  | 'removed'
  /** Another object has the name now, and is kept. */
  | 'replaced'
  /** The server does not name the version of the object; nothing was deleted. */
  | 'unversioned'

/**
 * Deletes all versions of an object and its delete markers. In a bucket without versions that is the object itself.
 *
 * @returns False if the server knows no versions: the object itself is not deleted then.
 * @throws {StoreError} With code `locked` if one may not be deleted before a time. What a delete marker hides stays hidden.
 */
export async function deleteVersions(client: S3Client, object: ObjectKey, abortSignal?: AbortSignal): Promise<boolean> {
  const versions = await versionsOf(client, object, abortSignal)
  if (versions === undefined) return false
  for (const version of markersLast(versions)) await deleteVersion(client, object, version, abortSignal)
  return true
}

/**
 * Deletes the version of an object that was compared, and the older ones of its name before it: while one of them is left, so is the
 * object, and the next attempt finds both. Each is deleted by its id, so that an object that takes the name meanwhile is kept.
 *
 * @param compared - What HEAD answered about the object.
 * @throws {StoreError} As `deleteVersions`; with code `temporary` if the list of versions is older than the object.
 */
export async function deleteUpTo(
  client: S3Client,
  object: ObjectKey,
  compared: StoredObject & { versionId: string | undefined },
  abortSignal?: AbortSignal,
): Promise<VersionsRemoval> {
  const versions = (await versionsOf(client, object, abortSignal)) ?? []
  const current = versions.find(({ isLatest }) => isLatest)
  if (current === undefined) return 'unversioned'
  const isCompared =
    compared.versionId === undefined ? isVersionOf(current, compared) : current.versionId === compared.versionId
  if (!isCompared || current.isDeleteMarker) {
    // The list may also be behind. Only where it has both is the order certain.
    const isOlder = versions.some((version) => version !== current && version.versionId === compared.versionId)
    if (isOlder && !current.isDeleteMarker) return 'replaced'
    throw new StoreError(
      'temporary',
      `Could not remove "${object.Key}": the list of its versions does not begin with the object that was compared.`,
    )
  }
  for (const version of markersLast(versions)) {
    if (version !== current) await deleteVersion(client, object, version, abortSignal)
  }
  // What is stored while versioning is suspended replaces the version that has no id of its own.
  if (current.versionId === NO_ID) return 'unversioned'
  await deleteVersion(client, object, current, abortSignal)
  return 'removed'
}

/**
 * Deletes what a delete marker hides of an object: its version, those before it, and then the markers, unless they hide another
 * object of the name.
 *
 * @param expected - As HEAD described the object when it was stored.
 */
export async function deleteHidden(
  client: S3Client,
  object: ObjectKey,
  expected: StoredObject,
  abortSignal?: AbortSignal,
): Promise<VersionsRemoval> {
  const versions = (await versionsOf(client, object, abortSignal)) ?? []
  const [latest] = versions
  if (latest === undefined) return 'removed'
  // It appeared since HEAD was answered.
  if (!latest.isDeleteMarker) return 'replaced'
  const place = versions.findIndex((version) => isVersionOf(version, expected))
  const newer = place < 0 ? versions : versions.slice(0, place)
  if (place >= 0) {
    const own = versions.slice(place)
    for (const version of [...markersLast(own.slice(1)), ...own.slice(0, 1)]) {
      await deleteVersion(client, object, version, abortSignal)
    }
  }
  if (newer.some(({ isDeleteMarker }) => !isDeleteMarker)) return 'replaced'
  for (const marker of newer.toReversed()) {
    // By this id an object would be deleted that took the name meanwhile.
    if (marker.versionId !== NO_ID) await deleteVersion(client, object, marker, abortSignal)
  }
  return 'removed'
}

/** Whether a listed version is an object that HEAD described: its times are whole seconds. */
function isVersionOf({ isDeleteMarker, sizeBytes, tag, modifiedAt }: Version, object: StoredObject): boolean {
  if (isDeleteMarker || sizeBytes !== object.sizeBytes) return false
  const seconds = (at: Date | undefined) => Math.floor((at?.getTime() ?? 0) / 1000)
  if (seconds(modifiedAt) !== seconds(object.modifiedAt)) return false
  return tag === undefined || object.tag === undefined || tag === object.tag
}

/** @throws {StoreError} With code `locked` if it may not be deleted before a time. */
async function deleteVersion(
  client: S3Client,
  object: ObjectKey,
  { versionId, isDeleteMarker }: Version,
  abortSignal: AbortSignal | undefined,
): Promise<void> {
  const version = { ...object, VersionId: versionId }
  try {
    await client.send(new DeleteObjectCommand(version), omitUndefined({ abortSignal }))
  } catch (error) {
    if (isNoSuchObject(error)) return
    const isRefused = !isDeleteMarker && statusOf(error) === 403
    const head = isRefused
      ? await client.send(new HeadObjectCommand(version), omitUndefined({ abortSignal })).catch(() => undefined)
      : undefined
    throw lockedError(object, head) ?? error
  }
}

/** The error for an object that a lock protects; undefined if none does. */
function lockedError({ Key }: ObjectKey, head: HeadObjectCommandOutput | undefined): StoreError | undefined {
  if (head?.ObjectLockLegalHoldStatus === 'ON') {
    return new StoreError('locked', `Could not remove "${Key}": a legal hold of the store protects it; end that first.`)
  }
  const lockedUntil = head?.ObjectLockRetainUntilDate
  if (lockedUntil === undefined) return undefined
  const message = `Could not remove "${Key}": its object lock lasts until ${lockedUntil.toISOString()}.`
  return new StoreError('locked', message, { lockedUntil })
}

/** The versions of exactly one key with its delete markers, newest first; undefined if the server knows no versions. */
async function versionsOf(
  client: S3Client,
  { Bucket, Key }: ObjectKey,
  abortSignal?: AbortSignal,
): Promise<Version[] | undefined> {
  const found: Version[] = []
  try {
    for await (const { versions, nextName } of versionPages(client, { Bucket, Prefix: Key }, abortSignal)) {
      found.push(...versions.filter(({ name }) => name === Key))
      // Names that only begin like this one come after it.
      if (nextName !== Key) break
    }
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
  return found.some(({ versionId }) => versionId === '') ? undefined : newestFirst(found)
}

/** Lists what deleted and replaced objects left in a bucket with versions. */
export async function* listHiddenVersions(
  settings: S3Settings,
  prefix: string,
  { signal, ...options }: StoreOptions & CallOptions,
): AsyncGenerator<HiddenVersion> {
  const { calls } = s3Clients(settings, options)
  try {
    const below = { Bucket: settings.bucket, Prefix: prefix }
    for await (const { versions } of versionPages(calls, below, signal)) {
      yield* versions.filter(({ isDeleteMarker, isLatest }) => isDeleteMarker || !isLatest)
    }
  } catch (error) {
    throw toS3StoreError(error, `list the versions in ${settings.bucket}`)
  }
}

async function* versionPages(
  client: S3Client,
  below: { Bucket: string; Prefix: string },
  abortSignal: AbortSignal | undefined,
): AsyncGenerator<{ versions: Version[]; nextName: string | undefined }> {
  const places = new Set<string>()
  let markers: { KeyMarker?: string; VersionIdMarker?: string } = {}
  for (;;) {
    const page = await client.send(
      new ListObjectVersionsCommand({ ...below, ...markers }),
      omitUndefined({ abortSignal }),
    )
    const versions = (page.Versions ?? []).map((version) => ({ ...version, isDeleteMarker: false }))
    const deleted = (page.DeleteMarkers ?? []).map((marker) => ({ ...marker, Size: 0, isDeleteMarker: true }))
    yield { versions: [...versions, ...deleted].flatMap(versionOf), nextName: page.NextKeyMarker }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return
    const next = omitUndefined({ KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker })
    const place = JSON.stringify(next)
    if (places.has(place)) {
      throw new StoreError('misconfigured', `${below.Bucket} answers with the same page of versions again and again.`)
    }
    places.add(place)
    markers = next
  }
}

function versionOf(listed: ObjectVersion & { isDeleteMarker: boolean }): Version[] {
  const {
    Key: name,
    VersionId: versionId = '',
    Size: sizeBytes = 0,
    IsLatest: isLatest = true,
    isDeleteMarker,
  } = listed
  if (name === undefined) return []
  const tag = listed.ETag?.replaceAll('"', '') || undefined
  return [{ name, versionId, sizeBytes, isLatest, isDeleteMarker, modifiedAt: listed.LastModified, tag }]
}

/**
 * Versions and markers come in lists of their own. Where a marker and a version are of the same second, the marker is the newer one:
 * it then hides what it may not be deleted before.
 */
function newestFirst(versions: Version[]): Version[] {
  const rank = ({ isLatest, modifiedAt }: Version) => (isLatest ? Number.MAX_VALUE : (modifiedAt?.getTime() ?? 0))
  return versions.toSorted(
    (one, other) => rank(other) - rank(one) || Number(other.isDeleteMarker) - Number(one.isDeleteMarker),
  )
}

/** Oldest first, so that none before it takes the place of one that is deleted; for the same reason the markers come last. */
function markersLast(versions: readonly Version[]): Version[] {
  return versions.toReversed().toSorted((one, other) => Number(one.isDeleteMarker) - Number(other.isDeleteMarker))
}
