import type { Readable } from 'node:stream'
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type ListMultipartUploadsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { isNameless, isNoSuchObject, isUnproven404, nameOf, statusOf } from './s3-error.ts'

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
  const serverTime = observeServerTime(command)
  try {
    const found = await client.send(command, omitUndefined({ abortSignal }))
    return { ...found, ageMs: serverTime.since(found.LastModified) }
  } catch (error) {
    if (isUnproven404(error) || isNameless(error)) return readNothing(client, object, error, abortSignal)
    if (!isNoSuchObject(error)) throw error
    if (await isBucketMissing(client, object.Bucket, abortSignal)) throw Object.assign(error as Error, noSuchBucket)
    return undefined
  }
}

/** Keeps the time at which a server answers a command. */
export function observeServerTime(command: Observable): { since(at: Date | undefined): number | undefined } {
  let timeMs = Number.NaN
  const { middlewareStack } = command as HeadObjectCommand
  middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers = {} } = (result.response ?? {}) as { headers?: Record<string, string | undefined> }
      timeMs = Date.parse(headers.date ?? '')
      return result
    },
    { step: 'deserialize', priority: 'high' },
  )
  return {
    since(at) {
      const ageMs = timeMs - (at?.getTime() ?? Number.NaN)
      return Number.isNaN(ageMs) ? undefined : ageMs
    },
  }
}

type Observable = HeadObjectCommand | ListMultipartUploadsCommand

const noSuchBucket = { Code: 'NoSuchBucket' }

/**
 * Asks for the object where the answer to HEAD does not show whether S3 gave it, or why it refuses: other requests have a body,
 * which does.
 *
 * @throws `unexplained`, if that does not show it either.
 */
async function readNothing(
  client: S3Client,
  object: { Bucket: string; Key: string },
  unexplained: unknown,
  abortSignal: AbortSignal | undefined,
): Promise<undefined> {
  try {
    const { Body } = await client.send(
      new GetObjectCommand({ ...object, Range: 'bytes=0-0' }),
      omitUndefined({ abortSignal }),
    )
    ;(Body as Readable | undefined)?.destroy()
  } catch (error) {
    if (nameOf(error) === 'NoSuchKey') return undefined
    if (!isUnproven404(error) && !isNameless(error)) throw error
  }
  throw unexplained
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
