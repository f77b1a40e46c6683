import { DeleteObjectCommand, type DeleteObjectCommandInput, type S3Client } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { isMissingObject } from './head-object.ts'
import { isConditionUnknown, statusOf } from './s3-error.ts'

/**
 * Deletes an object, one that does not exist included. A server that does not support `IfMatch` is asked without.
 *
 * @returns False if the server says that the condition is not met.
 */
export async function deleteObject(
  client: S3Client,
  input: DeleteObjectCommandInput,
  abortSignal?: AbortSignal,
): Promise<boolean> {
  const { IfMatch, ...object } = input
  try {
    // One by one: DeleteObjects needs a Content-MD5 that the SDK no longer sends to servers that require it.
    await client.send(new DeleteObjectCommand(input), omitUndefined({ abortSignal }))
    return true
  } catch (error) {
    if (isMissingObject(error)) return true
    if (IfMatch !== undefined && statusOf(error) === 412) return false
    if (IfMatch !== undefined && isConditionUnknown(error)) return deleteObject(client, object, abortSignal)
    throw error
  }
}
