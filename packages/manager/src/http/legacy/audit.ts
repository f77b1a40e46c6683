import { about, auditEntrySchema, pageSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import { listAuditEntries } from '../../audit/service.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'

const DEFAULT_PAGE = 50

/** The audit log, for admins. */
export function auditRoutes(app: App, context: Context): void {
  app.get(
    '/audit',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'List audit entries, newest first',
        querystring: pagingQuery.extend({
          serviceInstance: z.string().max(200).optional().meta(about('Only of this service instance', 'shop-db')),
        }),
        response: { 200: pageSchema(auditEntrySchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listAuditEntries(context, request.call, request.query.serviceInstance, page)
      const content = entries.map(({ instanceId, at, ...entry }) => ({
        ...entry,
        at: at.toISOString(),
        service_instance_id: instanceId,
      }))
      return toPage(content, total, page)
    },
  )
}
