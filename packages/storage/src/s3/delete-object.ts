import { DeleteObjectCommand, type DeleteObjectCommandInput, type S3Client } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { Omission } from '../omissions.ts'
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
