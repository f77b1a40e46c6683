import { DeleteObjectCommand, type DeleteObjectCommandInput, type S3Client } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { Omission } from '../omissions.ts'
import { type FoundObject, headObject } from './head-object.ts'
import type { S3Clients } from './s3-client.ts'
import { isNoSuchObject, statusOf } from './s3-error.ts'
import { sendTolerantly } from './send-tolerantly.ts'

/**
 * Deletes an object, one that does not exist included. A server that does not support `IfMatch` is asked without.
 *
 * @returns False if the server says that the condition is not met.
 */
export async function deleteObject(
  client: S3Client,
  { IfMatch, ...object }: DeleteObjectCommandInput,
  { omissions, signal: abortSignal }: { omissions: Set<Omission>; signal: AbortSignal | undefined },
): Promise<boolean> {
  try {
    // One by one: DeleteObjects needs a Content-MD5 that the SDK no longer sends to servers that require it.
    await sendTolerantly(omissions, IfMatch === undefined ? [] : ['delete-if-match'], (omitted) => {
      const input = omitted.has('delete-if-match') || IfMatch === undefined ? object : { ...object, IfMatch }
      return client.send(new DeleteObjectCommand(input), omitUndefined({ abortSignal }))
    })
    return true
  } catch (error) {
    if (isNoSuchObject(error)) return true
    if (IfMatch !== undefined && statusOf(error) === 412) return false
    throw error
  }
}

/**
 * Deletes the object that was found and no other: by its version, or on condition of its tag. A server that rejects the right tag is
 * asked again, and then without the condition if it still describes the same object.
 */
export async function deleteFound(
  { calls, parts }: S3Clients,
  object: { Bucket: string; Key: string },
  { VersionId, ETag, LastModified }: FoundObject,
  options: { omissions: Set<Omission>; signal: AbortSignal },
): Promise<void> {
  const { signal: abortSignal } = options
  if (VersionId !== undefined && VersionId !== 'null') {
    try {
      await calls.send(new DeleteObjectCommand({ ...object, VersionId }), { abortSignal })
      return
    } catch (error) {
      // Hiding it behind a delete marker may be allowed.
      if (statusOf(error) !== 403) throw error
    }
  }
  const condition = ETag && !options.omissions.has('delete-if-match') ? { IfMatch: ETag } : {}
  if (await deleteObject(parts, { ...object, ...condition }, options)) return
  const found = await headObject(calls, object, abortSignal)
  const isSame = found?.ETag === ETag && found?.LastModified?.getTime() === LastModified?.getTime()
  if (isSame) await deleteObject(parts, object, options)
}
