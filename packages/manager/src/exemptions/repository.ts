import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { contains, type InstanceRange, isGranted, isOfInstances } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { PolicyExemptionTable } from '../database/tables/policies.ts'
import { type InTransaction, isViolationOf } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Exemption } from './exemption.ts'

interface ExemptionsContext {
  database: Database
}

const fromRow = (row: Selectable<PolicyExemptionTable>): Exemption => ({
  id: row.id,
  version: row.version,
  instanceId: row.instance_id,
  reason: row.reason,
  exemptedBy: row.exempted_by,
  expiresAt: row.expires_at,
  createdAt: row.created_at,
})

/** What a list of exemptions is filtered by. */
export interface ExemptionSearch {
  scope: Grants
  /** Only those that count (true), or those that have expired (false). */
  isActive?: boolean | undefined
  /** In their reason. */
  text?: string | undefined
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of exemptions, newest first. */
export async function searchExemptions(
  { database }: ExemptionsContext,
  { scope, isActive, text }: ExemptionSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Exemption>> {
  let query = database.selectFrom('policy_exemptions').selectAll().where(isGranted('instance_id', scope))
  if (isActive !== undefined) query = query.where(sql<boolean>`(expires_at > now()) = ${isActive}`)
  if (text !== undefined) query = query.where(contains('reason', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

export async function findExemption({ database }: ExemptionsContext, id: string): Promise<Exemption | undefined> {
  const row = await database.selectFrom('policy_exemptions').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** The exemptions of instances that count now, by instance. */
export async function activeExemptions(
  { database }: ExemptionsContext,
  instances: readonly string[] | InstanceRange | 'all',
): Promise<Map<string, Exemption>> {
  let query = database.selectFrom('policy_exemptions').selectAll().where('expires_at', '>', sql<Date>`now()`)
  if (instances !== 'all') query = query.where(isOfInstances('instance_id', instances))
  return new Map((await query.execute()).map((row) => [row.instance_id, fromRow(row)]))
}

/** Stores a new exemption in place of one of the instance that has expired. */
export async function insertExemption({ database }: InTransaction, exemption: Exemption): Promise<void> {
  const { id, version, instanceId, reason, exemptedBy, expiresAt, createdAt } = exemption
  await database
    .deleteFrom('policy_exemptions')
    .where('instance_id', '=', instanceId)
    .where('expires_at', '<=', sql<Date>`now()`)
    .execute()
  await database
    .insertInto('policy_exemptions')
    .values({
      ...{ id, version, reason, instance_id: instanceId, expires_at: expiresAt, created_at: createdAt },
      exempted_by: JSON.stringify(exemptedBy),
    })
    .execute()
}

/** Whether an exemption was not stored because its instance has one. */
export const hasExemption = (error: unknown): boolean => isViolationOf(error, 'policy_exemptions_of_instance')

/** Replaces an exemption. Returns the new version; undefined if another one than `exemption.version` is stored. */
export async function updateExemption(
  { database }: InTransaction,
  { id, version, reason, exemptedBy, expiresAt }: Exemption,
): Promise<number | undefined> {
  const row = await database
    .updateTable('policy_exemptions')
    .set({
      reason,
      exempted_by: JSON.stringify(exemptedBy),
      expires_at: expiresAt,
      version: sql`version + 1`,
    })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning('version')
    .executeTakeFirst()
  return row?.version
}

/** Ends an exemption. Returns false if there is none. */
export async function deleteExemption({ database }: InTransaction, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('policy_exemptions').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}
