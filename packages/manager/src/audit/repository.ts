import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { AuditEntry } from './audit-entry.ts'

/** Appends an entry, in the transaction of the change that it records. */
export async function insertAuditEntry(
  { database }: Pick<Context, 'database'>,
  entry: Omit<AuditEntry, 'id'>,
): Promise<void> {
  await database
    .insertInto('audit_entries')
    .values({
      at: entry.at,
      caller_kind: entry.caller.kind,
      caller_id: entry.caller.id,
      caller_name: entry.caller.name,
      address: entry.address,
      action: entry.action,
      path: entry.path,
      status: entry.status,
      instance_id: entry.instanceId ?? null,
    })
    .execute()
}

/** One page of the log, newest first, of one instance or of all. */
export async function listAuditEntries(
  { database }: Pick<Context, 'database'>,
  instanceId: string | undefined,
  page: PageRequest,
): Promise<PageOf<AuditEntry>> {
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
