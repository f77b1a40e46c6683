import { about, objectQuerySchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { openObject } from '../../downloads/service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { sendObject } from '../send-object.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

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
      await sendObject(request, reply, (signal) =>
        openObject(context, request.call, request.params.id, { file, range, signal }),
      )
    },
  )
}
