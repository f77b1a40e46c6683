import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type MultipartUpload,
  S3Client,
} from '@aws-sdk/client-s3'
import type { S3Settings } from '@osb-backup/storage'
import type { HalfUpload } from './half-upload.ts'

/** A part that arrives while an upload is aborted may outlive it, so it is looked again. */
const ATTEMPTS = 5

/** Aborts the multipart uploads of exactly one key. */
export async function abortUploads(settings: S3Settings, half: HalfUpload, abortSignal: AbortSignal): Promise<void> {
  const client = clientOf(settings)
  const object = { Bucket: settings.bucket, Key: half.name }
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const uploads = await uploadsOf(client, object, half.since, abortSignal)
      if (uploads.length === 0) return
      for (const { UploadId } of uploads) {
        await client
          .send(new AbortMultipartUploadCommand({ ...object, UploadId }), { abortSignal })
          .catch((error: unknown) => {
            if (!isGone(error)) throw error
          })
      }
    }
    throw new Error(`the store still lists its parts after ${ATTEMPTS} attempts to remove them`)
  } finally {
    client.destroy()
  }
}

async function uploadsOf(
  client: S3Client,
  { Bucket, Key }: { Bucket: string; Key: string },
  since: Date,
  abortSignal: AbortSignal,
): Promise<MultipartUpload[]> {
  const found: MultipartUpload[] = []
  let markers: { KeyMarker?: string; UploadIdMarker?: string } = {}
  for (;;) {
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key, ...markers }), {
      abortSignal,
    })
    const ours = (page.Uploads ?? []).filter((each) => each.Key === Key && (each.Initiated ?? since) >= since)
    found.push(...ours)
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return found
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && '$metadata' in error
    ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode === 404
    : false
}

/** A client for the same bucket as the store's, which has no call for uploads that are not its own. */
function clientOf(settings: S3Settings): S3Client {
  const endpoint = settings.endpoint?.trim()
  const scheme = settings.plainHttp ? 'http' : 'https'
  return new S3Client({
    region: settings.region || 'us-east-1',
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    ...(endpoint
      ? { endpoint: /^https?:\/\//i.test(endpoint) ? endpoint : `${scheme}://${endpoint}`, forcePathStyle: true }
      : {}),
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
    maxAttempts: 4,
  })
}
