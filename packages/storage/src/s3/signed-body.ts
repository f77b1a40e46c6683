import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import type { Part } from '../transfer/parts.ts'
import { nameOf, statusOf } from './s3-error.ts'

/** What a bucket requires of the requests that carry bytes; learned from its answers. */
export interface BodyRules {
  /** Buckets with Object Lock require an MD5. */
  requiresMd5: boolean
}

/** How a server verifies the bytes of a request. */
export interface BodyDigests {
  /** In hex. */
  sha256: string
  /** In base64; undefined where the server does not require it: it costs twice as much as SHA-256. */
  md5: string | undefined
}

/**
 * Sends a part. The signature covers the SHA-256 of its bytes, so that the server rejects any others.
 *
 * @param send - Sends the part once; called again if the server requires an MD5 as well.
 */
export async function sendPart<Output>(
  part: Part,
  rules: BodyRules,
  send: (digests: BodyDigests) => Promise<Output>,
): Promise<Output> {
  const sha256 = (await part.digest('sha256')).toString('hex')
  const withMd5 = async () => send({ sha256, md5: (await part.digest('md5')).toString('base64') })
  if (rules.requiresMd5) return withMd5()
  try {
    return await send({ sha256, md5: undefined })
  } catch (error) {
    if (!isMd5Required(error)) throw error
    rules.requiresMd5 = true
    return withMd5()
  }
}

function isMd5Required(error: unknown): boolean {
  if (statusOf(error) !== 400) return false
  return nameOf(error) === 'InvalidRequest' && error instanceof Error && /content-md5/i.test(error.message)
}

/** Signs the digest of the body, instead of one that the SDK would compute. */
export function signBody<Command extends PutObjectCommand | UploadPartCommand>(
  command: Command,
  sha256: string,
): Command {
  const stack: Pick<UploadPartCommand['middlewareStack'], 'add'> = command.middlewareStack
  stack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', priority: 'low', name: 'signBody' },
  )
  return command
}
