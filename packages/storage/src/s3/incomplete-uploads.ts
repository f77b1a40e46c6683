import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type MultipartUpload,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { CallOptions } from '../object-store.ts'
import { retryOf, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { IncompleteUpload, StartedUpload } from '../store-kind.ts'
import type { StoreOptions } from '../store-options.ts'
import { s3Clients } from './s3-client.ts'
import { isNoSuchUpload, isUnsupported, toS3StoreError } from './s3-error.ts'
import type { S3Settings } from './s3-settings.ts'

/** A part that arrives while an upload is aborted may outlive it, so it is looked again. */
const ATTEMPTS = 5

/** Aborts one multipart upload, or those of exactly one key where its id is not known. */
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
      const uploads = await uploadsOf(calls, object, abortSignal)
      for (const { UploadId } of uploads) {
        await calls
          .send(new AbortMultipartUploadCommand({ ...object, UploadId }), omitUndefined({ abortSignal }))
          .catch((error: unknown) => {
            if (!isNoSuchUpload(error)) throw error
          })
      }
      return uploads.length === 0
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

/** @returns Whether nothing of it is left. */
async function abortKnown(
  calls: ReturnType<typeof s3Clients>['calls'],
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
    for await (const { Key, Initiated } of uploadsBelow(calls, settings.bucket, prefix, signal)) {
      // One whose age is not known may be under way.
      if (Key !== undefined && Initiated !== undefined) yield { name: Key, startedAt: Initiated }
    }
  } catch (error) {
    throw toS3StoreError(error, `list incomplete uploads to ${settings.bucket}`)
  }
}

async function uploadsOf(
  calls: ReturnType<typeof s3Clients>['calls'],
  { Bucket, Key }: { Bucket: string; Key: string },
  signal: AbortSignal | undefined,
): Promise<MultipartUpload[]> {
  const found: MultipartUpload[] = []
  for await (const upload of uploadsBelow(calls, Bucket, Key, signal)) {
    if (upload.Key === Key) found.push(upload)
  }
  return found
}

async function* uploadsBelow(
  calls: ReturnType<typeof s3Clients>['calls'],
  Bucket: string,
  Prefix: string,
  abortSignal: AbortSignal | undefined,
): AsyncGenerator<MultipartUpload> {
  let markers: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const page = await calls.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix, ...markers }),
      omitUndefined({ abortSignal }),
    )
    yield* page.Uploads ?? []
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return
    const { KeyMarker, UploadIdMarker } = markers
    if (page.NextKeyMarker === KeyMarker && page.NextUploadIdMarker === UploadIdMarker) {
      throw new StoreError('misconfigured', `${Bucket} answers with the same page of uploads again and again.`)
    }
    markers = omitUndefined({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker })
  }
}
