import { createHash } from 'node:crypto'
import type { Part } from '../transfer/parts.ts'

/** The SHA-256 of a part in hex, for the signature of its request. */
export async function sha256Of(part: Part): Promise<string> {
  const hash = createHash('sha256')
  const body = part.body([])
  if (Buffer.isBuffer(body)) hash.update(body)
  else for await (const chunk of body) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** A middleware that signs a request for the bytes of its body, whose digest the server compares. */
export function signedPayload(sha256: string) {
  return <Args extends { request: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
    (args: Args): Promise<Result> => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    }
}
