import { HeadBucketCommand, HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { nameOf, statusOf } from './s3-error.ts'

/** What S3 says of an object. */
export interface FoundObject extends HeadObjectCommandOutput {
  /** How long ago it was modified, by the server's clock alone; undefined: the server does not say. */
  ageMs: number | undefined
}

/** What S3 says of an object; undefined if there is none. A missing bucket rejects, which HEAD alone cannot detect. */
export async function headObject(
  client: S3Client,
  object: { Bucket: string; Key: string },
  abortSignal?: AbortSignal,
): Promise<FoundObject | undefined> {
  const command = new HeadObjectCommand(object)
  let serverTimeMs = Number.NaN
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers = {} } = (result.response ?? {}) as { headers?: Record<string, string | undefined> }
      serverTimeMs = Date.parse(headers.date ?? '')
      return result
    },
    { step: 'deserialize', priority: 'high' },
  )
  try {
    const found = await client.send(command, omitUndefined({ abortSignal }))
    const ageMs = serverTimeMs - (found.LastModified?.getTime() ?? Number.NaN)
    return { ...found, ageMs: Number.isNaN(ageMs) ? undefined : ageMs }
  } catch (error) {
    if (!isMissingObject(error)) throw error
    if (await isBucketMissing(client, object.Bucket, abortSignal)) throw error
    return undefined
  }
}

/** Whether S3 said that an object is not there; the bucket may be missing too where it answers a HEAD. */
export function isMissingObject(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket'
}

/** A refusal to describe the bucket proves that it exists. */
async function isBucketMissing(client: S3Client, Bucket: string, abortSignal?: AbortSignal): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket }), omitUndefined({ abortSignal }))
    return false
  } catch (error) {
    if (statusOf(error) === 404) return true
    if (statusOf(error) === 403) return false
    throw error
  }
}
