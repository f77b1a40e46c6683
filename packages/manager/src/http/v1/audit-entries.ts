import { auditEntrySchema, auditQuerySchema, listOf } from '@osb-backup/protocol/v1'
import { searchAuditEntries } from '../../audit/service.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { keysetOf, toDate, toList } from './lists.ts'

/** The audit log. */
export function auditEntryRoutes(app: App, context: Context): void {
  app.get(
    '/v1/audit-entries',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'List audit entries, newest first',
        querystring: auditQuerySchema,
        response: { 200: listOf(auditEntrySchema) },
      },
    },
    async (request) => {
      const { instance, since, until, q, ...paging } = request.query
      const search = { instanceId: instance, since: toDate(since), until: toDate(until), text: q }
      const page = await searchAuditEntries(context, request.call, search, keysetOf(paging))
      return toList(page, ({ at, ...entry }) => ({ ...entry, at: at.toISOString() }))
    },
  )
}
