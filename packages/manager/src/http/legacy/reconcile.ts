import { reconcileRequestSchema, reconciliationSchema } from '@osb-backup/protocol'
import type { Context } from '../../context/context.ts'
import { reconcile } from '../../reconciliation/service.ts'
import { longWorkDeadlineMs } from '../deadlines.ts'
import type { App } from '../typed-app.ts'
import { idParams } from './params.ts'
import { reconciliationToWire } from './wire/reconciliation.ts'

/** Compares a destination with its restore points. */
export function reconcileRoutes(app: App, context: Context): void {
  app.post(
    '/fileDestinations/:id/reconcile',
    {
      handlerTimeout: longWorkDeadlineMs(context.settings.reconciliationTimeoutSeconds),
      config: { access: 'operator' },
      schema: {
        summary:
          'Compare a destination with its restore points: lists what has no counterpart, and removes it if requested',
        params: idParams,
        body: reconcileRequestSchema,
        response: { 200: reconciliationSchema },
      },
    },
    async (request, reply) => {
      const disconnected = new AbortController()
      reply.raw.once('close', () => disconnected.abort(new Error('the caller disconnected')))
      const { remove = false, olderThanHours } = request.body
      const options = { remove, olderThanHours, signal: disconnected.signal }
      return reconciliationToWire(await reconcile(context, request.call, request.params.id, options))
    },
  )
}
