import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OpenObject } from '../downloads/service.ts'

/** A reader that takes nothing for so long, or a store that gives nothing, ends the answer. */
const IDLE_TIMEOUT_MS = 60_000

/**
 * Answers with the object that `open` opens, however long it takes: only a lack of progress ends it.
 *
 * @param open - Gets a signal that aborts when the caller disconnects.
 */
export async function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  open: (signal: AbortSignal) => Promise<OpenObject>,
): Promise<void> {
  const disconnected = new AbortController()
  reply.raw.once('close', () => disconnected.abort(new Error('the caller disconnected')))
  const opened = await open(disconnected.signal)
  reply.hijack()
  const response = reply.raw
  response.setTimeout(IDLE_TIMEOUT_MS, () => response.destroy())
  response.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'application/octet-stream',
    'content-length': String(opened.end - opened.from),
    'content-range': `bytes ${opened.from}-${opened.end - 1}/${opened.sizeBytes}`,
    'cache-control': 'no-store',
  })
  await pipeline(opened.content, response).catch((err: unknown) => {
    request.log.warn({ err }, 'an object was not read to its end')
  })
}
