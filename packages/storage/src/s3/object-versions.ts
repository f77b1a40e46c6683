import {
  DeleteObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { StoreError } from '../store-error.ts'
import { isNoSuchObject, isUnsupported, statusOf } from './s3-error.ts'

interface ObjectKey {
  Bucket: string
  Key: string
}

interface Version {
  versionId: string
  isDeleteMarker: boolean
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
  object: ObjectKey,
  abortSignal?: AbortSignal,
): Promise<Version[] | undefined> {
  const found: Version[] = []
  let markers: { KeyMarker?: string; VersionIdMarker?: string } = {}
  for (;;) {
    const input = { Bucket: object.Bucket, Prefix: object.Key, ...markers }
    const page = await client
      .send(new ListObjectVersionsCommand(input), omitUndefined({ abortSignal }))
      .catch((error: unknown) => {
        if (isUnsupported(error)) return undefined
        throw error
      })
    if (page === undefined) return undefined
    const versions = (page.Versions ?? []).map((version) => ({ ...version, isDeleteMarker: false }))
    const deleted = (page.DeleteMarkers ?? []).map((marker) => ({ ...marker, isDeleteMarker: true }))
    for (const { Key, VersionId, isDeleteMarker } of [...versions, ...deleted]) {
      if (Key === object.Key && VersionId !== undefined) found.push({ versionId: VersionId, isDeleteMarker })
    }
    // Names that only begin like this one come after it.
    const isPast = page.NextKeyMarker !== undefined && page.NextKeyMarker !== object.Key
    if (!page.IsTruncated || isPast || page.NextKeyMarker === undefined) return sorted(found)
    const next = omitUndefined({ KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker })
    if (next.KeyMarker === markers.KeyMarker && next.VersionIdMarker === markers.VersionIdMarker) {
      throw new StoreError('misconfigured', `${object.Bucket} answers with the same page of versions again and again.`)
    }
    markers = next
  }
}

/** The markers come last: without one, an older version would be the object again. */
function sorted(versions: Version[]): Version[] {
  return versions.toSorted((one, other) => Number(one.isDeleteMarker) - Number(other.isDeleteMarker))
}
