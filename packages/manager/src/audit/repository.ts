import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { PageRequest } from '../http/legacy/paging.ts'

/** Who did what to which object, when and from where. */
export interface AuditEntry {
  id: string
  at: Date
  caller: { kind: string; id: string; name: string }
  address: string
  /** The HTTP method and the route: `DELETE /backupPlans/:id`. */
  action: string
  /** What it was done to. Without the query, which is the caller's own affair. */
  path: string
  status: number
  instanceId: string | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The service instance that the call was about, once that is known; stands in the audit log. */
    auditedInstanceId: string | undefined
  }
}

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Writes down every call that may have changed something, and every one that was refused for its caller. */
export function auditCalls(app: FastifyInstance, context: Context): void {
  app.decorateRequest('auditedInstanceId', undefined)
  app.addHook('onResponse', async (request, reply) => {
    if (request.caller === undefined || reads.has(request.method)) return
    await append(context, request, reply.statusCode).catch((error: unknown) =>
      context.log.error({ err: error, path: pathOf(request) }, 'a call was not written to the audit log'),
    )
  })
}

async function append({ database, now }: Context, request: FastifyRequest, status: number): Promise<void> {
  const { caller, method } = request
  await database
    .insertInto('audit_entries')
    .values({
      at: now(),
      caller_kind: caller.kind,
      caller_id: caller.id,
      caller_name: caller.name,
      address: request.ip,
      action: `${method} ${request.routeOptions.url ?? pathOf(request)}`,
      path: pathOf(request),
      status,
      instance_id: request.auditedInstanceId ?? null,
    })
    .execute()
}

/** Writes down a command that was given at the machine of a manager, past the API. */
export async function recordCommand(
  { database }: Pick<Context, 'database'>,
  action: string,
  user: string,
  now: Date,
): Promise<void> {
  await database
    .insertInto('audit_entries')
    .values({
      at: now,
      caller_kind: 'command',
      caller_id: user,
      caller_name: user,
      address: 'this machine',
      action,
      path: '',
      status: 200,
      instance_id: null,
    })
    .execute()
}

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] ?? '').slice(0, 2000)
}

/** One page of the log, newest first, of one instance or of all. */
export async function listAuditEntries(
  { database }: Pick<Context, 'database'>,
  instanceId: string | undefined,
  page: PageRequest,
): Promise<{ entries: AuditEntry[]; total: number }> {
  let query = database.selectFrom('audit_entries').selectAll().orderBy('id', 'desc')
  if (instanceId !== undefined) query = query.where('instance_id', '=', instanceId)
  const { rows, total } = await readPage(query, page)
  const entries = rows.map((row) => ({
    id: row.id,
    at: row.at,
    caller: { kind: row.caller_kind, id: row.caller_id, name: row.caller_name },
    address: row.address,
    action: row.action,
    path: row.path,
    status: row.status,
    instanceId: row.instance_id ?? undefined,
  }))
  return { entries, total }
}
