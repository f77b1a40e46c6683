import { pipeline } from 'node:stream/promises'
import { about, objectQuerySchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { openObject } from '../../downloads/service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

/** A reader that takes nothing for so long, or a store that gives nothing, ends the answer. */
const IDLE_TIMEOUT_MS = 60_000

const bytes = z.string().meta(about('The bytes as they are stored: compressed and encrypted', 'age-encryption.org/v1'))

/** The object of a restore point, for callers that verify, decrypt and decompress it themselves. */
export function restorePointObjectRoutes(app: App, context: Context): void {
  app.get(
    '/v1/restore-points/:id/object',
    {
      config: { access: 'operator' },
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      schema: {
        summary: 'Read the object of a restore point, or a range of it, as it is stored',
        params,
        querystring: objectQuerySchema,
        response: {
          200: { description: 'The bytes', content: { 'application/octet-stream': { schema: bytes } } },
        },
      },
    },
    async (request, reply) => {
      const { file = 'object', from, end } = request.query
      const range = from === undefined && end === undefined ? undefined : { from: from ?? 0, end }
      const disconnected = new AbortController()
      reply.raw.once('close', () => disconnected.abort(new Error('the caller disconnected')))
      const opened = await openObject(context, request.call, request.params.id, {
        file,
        range,
        signal: disconnected.signal,
      })
      // From here on only a lack of progress ends it, however long it takes.
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
    },
  )
}
