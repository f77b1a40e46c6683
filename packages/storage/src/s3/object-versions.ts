import {
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { CallOptions } from '../object-store.ts'
import { StoreError } from '../store-error.ts'
import type { HiddenVersion } from '../store-kind.ts'
import type { StoreOptions } from '../store-options.ts'
import { s3Clients } from './s3-client.ts'
import { isNoSuchObject, isUnsupported, statusOf, toS3StoreError } from './s3-error.ts'
import type { S3Settings } from './s3-settings.ts'

interface ObjectKey {
  Bucket: string
  Key: string
}

interface Version extends HiddenVersion {
  versionId: string
  isLatest: boolean
}

/**
 * Deletes all versions of an object and its delete markers. In a bucket without versions that is the object itself.
 *
 * @returns False if the server knows no versions: the object itself is not deleted then.
 * @throws {StoreError} With code `locked` if one may not be deleted before a time. What a delete marker hides stays hidden.
 */
export async function deleteVersions(client: S3Client, object: ObjectKey, abortSignal?: AbortSignal): Promise<boolean> {
  const versions = await versionsOf(client, object, abortSignal)
  if (versions === undefined) return false
  for (const { versionId, isDeleteMarker } of versions) {
    const version = { ...object, VersionId: versionId }
    try {
      await client.send(new DeleteObjectCommand(version), omitUndefined({ abortSignal }))
    } catch (error) {
      if (isNoSuchObject(error)) continue
      const isRefused = !isDeleteMarker && statusOf(error) === 403
      const head = isRefused
        ? await client.send(new HeadObjectCommand(version), omitUndefined({ abortSignal })).catch(() => undefined)
        : undefined
      throw lockedError(object, head) ?? error
    }
  }
  return true
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

/** The versions of exactly one key, and after them its delete markers; undefined if the server knows none. */
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
  return sorted(found)
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
    if (next.KeyMarker === markers.KeyMarker && next.VersionIdMarker === markers.VersionIdMarker) {
      throw new StoreError('misconfigured', `${below.Bucket} answers with the same page of versions again and again.`)
    }
    markers = next
  }
}

function versionOf(listed: ObjectVersion & { isDeleteMarker: boolean }): Version[] {
  const { Key: name, VersionId: versionId, Size: sizeBytes = 0, IsLatest: isLatest = true, isDeleteMarker } = listed
  if (name === undefined || versionId === undefined) return []
  return [{ name, versionId, sizeBytes, isLatest, isDeleteMarker }]
}

/** The markers come last: without one, an older version would be the object again. */
function sorted(versions: Version[]): Version[] {
  return versions.toSorted((one, other) => Number(one.isDeleteMarker) - Number(other.isDeleteMarker))
}
