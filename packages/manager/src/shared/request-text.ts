import { type Dispatcher, request } from 'undici'

/** An answer, whatever its status. Redirects are not followed: they could send a token elsewhere. */
export interface TextAnswer {
  status: number
  text: string
}

/** The answer is larger than it may be. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}

/** Sends a request and reads the answer up to a limit. Throws if there was no complete answer. */
export async function requestText(
  url: string,
  options: Pick<Dispatcher.RequestOptions, 'body' | 'headers'> & {
    dispatcher: Dispatcher
    signal: AbortSignal
    maxAnswerBytes: number
    method?: 'GET' | 'POST'
  },
): Promise<TextAnswer> {
  const { maxAnswerBytes, ...sent } = options
  const { statusCode, body } = await request(url, sent)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new AnswerTooLarge(`its answer is larger than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: statusCode, text: Buffer.concat(chunks).toString('utf8') }
}
