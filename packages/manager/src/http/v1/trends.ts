import { type Trend, trendQuerySchema, trendSchema } from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import { readTrend } from '../../trends/service.ts'
import type { App } from '../typed-app.ts'
import { idParams as params } from './params.ts'

const DEFAULT_DAYS = 30

/** How backups develop: their size and duration, and what is stored. */
export function trendRoutes(app: App, context: Context): void {
  app.get(
    '/v1/instances/:id/trend',
    {
      config: { access: 'viewer' },
      schema: {
        summary:
          'Show how size and duration of the backups of a service instance develop, and when destinations are full',
        params,
        querystring: trendQuerySchema,
        response: { 200: trendSchema },
      },
    },
    async (request): Promise<Trend> => {
      const { days = DEFAULT_DAYS, item } = request.query
      const trend = await readTrend(context, request.call, { instanceId: request.params.id, item, days })
      return {
        items: trend.items.map(({ days: dumps, ...rest }) => ({
          ...rest,
          days: dumps.map(({ item: _, ...day }) => day),
        })),
        destinations: trend.destinations.map(({ fullAt, ...rest }) => ({ ...rest, fullAt: fullAt?.toISOString() })),
      }
    },
  )
}
