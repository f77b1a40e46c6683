import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { contains, isGranted } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import { readPage } from '../database/read-page.ts'
import type { AuditEntryTable } from '../database/tables/access.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { AuditEntry } from './audit-entry.ts'

/** What the log is filtered by. */
export interface AuditSearch {
  scope: Grants
  instanceId?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
  /** In the name of the caller, the action or the path. */
  text?: string | undefined
}

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

/** One page of the log of these instances, newest first. */
export async function listAuditEntries(
  { database }: Pick<Context, 'database'>,
  scope: Grants,
  page: PageRequest,
): Promise<PageOf<AuditEntry>> {
  const query = database
    .selectFrom('audit_entries')
    .selectAll()
    .where(isGranted('instance_id', scope))
    .orderBy('id', 'desc')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map(fromRow), total }
}

/** Deletes entries that were recorded before an instant. Returns how many, at most `limit`. */
export async function deleteEntriesBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  // The trigger of the table refuses any other deletion.
  await sql`select set_config('osb_backup.deletes_expired', 'on', true)`.execute(database)
  const { numAffectedRows = 0n } = await sql`
    delete from audit_entries where id in (select id from audit_entries where at < ${before} limit ${limit})`.execute(
    database,
  )
  return Number(numAffectedRows)
}

const key = [{ name: 'id', type: 'number' }] as const

/** One page of the log, newest first. */
export async function searchAuditEntries(
  { database }: Pick<Context, 'database'>,
  { scope, instanceId, since, until, text }: AuditSearch,
  page: KeysetRequest,
): Promise<KeysetPage<AuditEntry>> {
  let query = database.selectFrom('audit_entries').selectAll().where(isGranted('instance_id', scope))
  if (instanceId !== undefined) query = query.where('instance_id', '=', instanceId)
  if (since !== undefined) query = query.where('at', '>=', since)
  if (until !== undefined) query = query.where('at', '<', until)
  if (text !== undefined) {
    query = query.where(({ or }) => or(['caller_name', 'action', 'path'].map((column) => contains(column, text))))
  }
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

function fromRow(row: Selectable<AuditEntryTable>): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    caller: { kind: row.caller_kind, id: row.caller_id, name: row.caller_name },
    address: row.address,
    action: row.action,
    path: row.path,
    status: row.status,
    instanceId: row.instance_id ?? undefined,
  }
}
