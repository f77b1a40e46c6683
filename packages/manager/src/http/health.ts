import { z } from 'zod'
import type { Context } from '../context/context.ts'
import { whyNotReady } from '../database/readiness.ts'
import { RequestError } from '../shared/request-error.ts'
import { shareCalls } from '../shared/share-calls.ts'
import type { App } from './typed-app.ts'

/** When to ask again whether a manager is ready. */
const WAIT_SECONDS = 5

const healthSchema = z.object({ status: z.literal('UP').meta({ description: 'Always `UP`', examples: ['UP'] }) })

/** `/health`: whether the process is alive. Restarting it would not help against anything that it does not report. */
export function healthRoute(app: App): void {
  app.get(
    '/health',
    {
      config: { access: 'open' },
      schema: { summary: 'Whether the manager is alive', response: { 200: healthSchema } },
    },
    async () => ({ status: 'UP' as const }),
  )
}

const readySchema = z.object({
  ready: z.literal(true).meta({ description: 'Always `true`: otherwise the answer is 503', examples: [true] }),
})

/**
 * `/ready`: whether requests should be sent to this manager. Every manager serves requests and runs jobs alike.
 *
 * @param hasLease - Whether it may run jobs.
 */
export const readyRoute =
  (hasLease: () => boolean) =>
  (app: App, context: Context): void => {
    // Anybody may ask, and as often as they like: the database is asked once for all who ask at the same time.
    const share = shareCalls<string | undefined>()
    app.get(
      '/ready',
      {
        config: { access: 'open' },
        schema: {
          summary:
            'Whether requests should be sent to this manager: its database is writable and has the tables of this version, and it may run jobs',
          response: { 200: readySchema },
        },
      },
      async () => {
        const problem = (await share('', () => whyNotReady(context))) ?? (hasLease() ? undefined : NO_LEASE)
        if (problem === undefined) return { ready: true as const }
        const message = `This manager is not ready: ${problem}.`
        throw new RequestError('not-ready', message, { retryAfterSeconds: WAIT_SECONDS })
      },
    )
  }

const NO_LEASE = 'its lease was lost, so that others run its jobs until it has registered again'
