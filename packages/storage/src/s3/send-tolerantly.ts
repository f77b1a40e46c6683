import type { Omission } from '../omissions.ts'
import { mayRefuseHeader } from './s3-error.ts'

/**
 * Sends a request with headers that it could do without. If the server refuses it as it refuses unknown headers, it is sent
 * without each of them in turn and then without all; what the server accepts is remembered.
 *
 * @param optional - The headers of this request that may be left out.
 * @param send - Sends it without some of them.
 * @throws The server's first refusal if leaving out headers does not help; other errors as they come.
 */
export async function sendTolerantly<Answer>(
  omissions: Set<Omission>,
  optional: readonly Omission[],
  send: (omitted: ReadonlySet<Omission>) => Promise<Answer>,
): Promise<Answer> {
  const known = new Set(omissions)
  try {
    return await send(known)
  } catch (refusal) {
    const left = optional.filter((each) => !known.has(each))
    if (!mayRefuseHeader(refusal) || left.length === 0) throw refusal
    for (const attempt of [...left.map((each) => [each]), ...(left.length > 1 ? [left] : [])]) {
      try {
        const answer = await send(new Set([...known, ...attempt]))
        for (const omission of attempt) omissions.add(omission)
        return answer
      } catch (error) {
        if (!mayRefuseHeader(error)) throw error
      }
    }
    throw refusal
  }
}
