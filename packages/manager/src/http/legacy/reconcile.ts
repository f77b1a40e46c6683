import { reconcileRequestSchema, reconciliationSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { findDestination } from '../../destinations/repository.ts'
import { reconcile } from '../../reconciliation/service.ts'
import { notFound } from '../../shared/request-error.ts'
import type { App } from '../typed-app.ts'

/** Compares a destination with the restore points that name it. */
export function reconcileRoutes(app: App, context: Context): void {
  app.post(
    '/fileDestinations/:id/reconcile',
    {
      config: { access: 'operator' },
      schema: {
        summary:
          'Compare a destination with its restore points: lists what has no counterpart, and removes it if told to',
        params: z.object({ id: z.string().max(100) }),
        body: reconcileRequestSchema,
        response: { 200: reconciliationSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const what = { what: 'file destination', id }
      const destination = await findDestination(context, id)
      if (destination === undefined) throw notFound(what.what, id)
      await enterInstance(request, destination.instanceId, what)
      const left = new AbortController()
      reply.raw.once('close', () => left.abort(new Error('the caller is gone')))
      const { remove = false, olderThanHours } = request.body
      return reconcile(context, destination, { remove, olderThanHours, signal: left.signal })
    },
  )
}
