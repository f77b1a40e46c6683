import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type MultipartUpload,
  type S3Client,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { CallOptions } from '../object-store.ts'
import { retryOf, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { IncompleteUpload, StartedUpload } from '../store-kind.ts'
import type { StoreOptions } from '../store-options.ts'
import { observeServerTime } from './head-object.ts'
import { s3Clients } from './s3-client.ts'
import { isNoSuchUpload, isUnsupported, toS3StoreError } from './s3-error.ts'
import type { S3Settings } from './s3-settings.ts'

/** A part that arrives while an upload is aborted may outlive it, so it is looked again. */
const ATTEMPTS = 5

/** By how much the clocks of a store's servers may differ. An empty upload that is older is left to a reconciliation. */
const SKEW_MS = 5000

/**
 * Aborts one multipart upload. Where its id is not known it has no parts, since ids are recorded before parts are stored: then those of
 * exactly one key are aborted that have none.
 */
export async function abortUploads(
  settings: S3Settings,
  upload: IncompleteUpload,
  { signal: abortSignal, ...options }: StoreOptions & CallOptions,
): Promise<void> {
  const { calls } = s3Clients(settings, options)
  const object = { Bucket: settings.bucket, Key: upload.name }
  const abortOnce = async (): Promise<boolean> => {
    try {
      if (upload.id !== undefined) return await abortKnown(calls, { ...object, UploadId: upload.id }, abortSignal)
      return (await abortEmptyUploads(calls, object, { abortSignal })) === 0
    } catch (error) {
      abortSignal?.throwIfAborted()
      // A server that cannot list uploads cannot be asked for what is left of this one.
      if (isUnsupported(error) || isNoSuchUpload(error)) return true
      throw toS3StoreError(error, `remove parts of "${upload.name}" from ${settings.bucket}`)
    }
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (await withRetries(abortOnce, retryOf(options.retry), abortSignal)) return
  }
  throw new Error(`the store still lists its parts after ${ATTEMPTS} attempts to remove them`)
}

/**
 * Aborts multipart uploads of exactly one key that have no parts. One that has parts belongs to somebody who knows its id.
 *
 * @param options.besides - The id of one that is kept.
 * @param options.youngerThanMs - How long ago they were begun at most, by the clock of the store.
 * @returns How many there were.
 */
export async function abortEmptyUploads(
  calls: S3Client,
  object: { Bucket: string; Key: string },
  options: {
    besides?: string | undefined
    youngerThanMs?: number
    abortSignal?: AbortSignal | undefined
  },
): Promise<number> {
  const { besides, youngerThanMs = Number.POSITIVE_INFINITY } = options
  const sending = omitUndefined({ abortSignal: options.abortSignal })
  const isYoung = ({ ageMs }: Upload) => ageMs === undefined || ageMs <= youngerThanMs + SKEW_MS
  let count = 0
  for await (const upload of uploadsBelow(calls, object.Bucket, object.Key, options.abortSignal)) {
    const { Key, UploadId } = upload
    if (Key !== object.Key || UploadId === undefined || UploadId === besides || !isYoung(upload)) continue
    try {
      const { Parts = [] } = await calls.send(new ListPartsCommand({ ...object, UploadId, MaxParts: 1 }), sending)
      if (Parts.length > 0) continue
      await calls.send(new AbortMultipartUploadCommand({ ...object, UploadId }), sending)
      count++
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error
    }
  }
  return count
}

/** @returns Whether nothing of it is left. */
async function abortKnown(
  calls: S3Client,
  upload: { Bucket: string; Key: string; UploadId: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const options = omitUndefined({ abortSignal: signal })
  await calls.send(new AbortMultipartUploadCommand(upload), options)
  const { Parts = [] } = await calls.send(new ListPartsCommand(upload), options)
  return Parts.length === 0
}

/** Lists the multipart uploads whose keys begin with a prefix. */
export async function* listUploads(
  settings: S3Settings,
  prefix: string,
  { signal, ...options }: StoreOptions & CallOptions,
): AsyncGenerator<StartedUpload> {
  const { calls } = s3Clients(settings, options)
  try {
    for await (const { Key, UploadId, Initiated } of uploadsBelow(calls, settings.bucket, prefix, signal)) {
      // One whose age is not known may be under way.
      if (Key !== undefined && Initiated !== undefined)
        yield { name: Key, startedAt: Initiated, ...omitUndefined({ id: UploadId }) }
    }
  } catch (error) {
    throw toS3StoreError(error, `list incomplete uploads to ${settings.bucket}`)
  }
}

type Upload = MultipartUpload & { ageMs: number | undefined }

async function* uploadsBelow(
  calls: S3Client,
  Bucket: string,
  Prefix: string,
  abortSignal: AbortSignal | undefined,
): AsyncGenerator<Upload> {
  const places = new Set<string>()
  let markers: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix, ...markers })
    const serverTime = observeServerTime(command)
    const page = await calls.send(command, omitUndefined({ abortSignal }))
    for (const upload of page.Uploads ?? []) yield { ...upload, ageMs: serverTime.since(upload.Initiated) }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return
    markers = omitUndefined({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker })
    const place = JSON.stringify(markers)
    if (places.has(place)) {
      throw new StoreError('misconfigured', `${Bucket} answers with the same page of uploads again and again.`)
    }
    places.add(place)
  }
}
