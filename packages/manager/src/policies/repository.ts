import { stores } from '@osb-backup/storage'
import { type Selectable, sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import { contains } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { PolicyTable } from '../database/tables/policies.ts'
import { type InTransaction, isViolationOf } from '../database/transaction.ts'
import type { PlanTemplate } from '../plan-templates/template.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Policy } from './policy.ts'

const purposeFor = (id: string) => purposeOf('policies', 'sealed_template_secrets', id)

/** A template as it is stored, without what is sealed. */
interface StoredTemplate {
  plan: Omit<PlanTemplate['plan'], 'privateKey'>
  destination: Omit<PlanTemplate['destination'], 'store'> & { store: Record<string, unknown> }
}

interface TemplateSecrets {
  privateKey?: string | undefined
  store: Record<string, unknown>
}

function fromRow({ sealer }: RepositoryContext, row: Selectable<PolicyTable>): Policy {
  const sealed = sealer.openOptional(row.sealed_template_secrets, purposeFor(row.id))
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    label: row.label ?? undefined,
    description: row.description ?? undefined,
    priority: row.priority,
    selector: row.selector,
    template: row.template === null ? undefined : joinTemplate(row.template as unknown as StoredTemplate, sealed),
    floor: row.floor ?? undefined,
    mayPause: row.may_pause,
    createdAt: row.created_at,
  }
}

function joinTemplate({ plan, destination }: StoredTemplate, sealed: string | undefined): PlanTemplate {
  const { privateKey, store }: TemplateSecrets = sealed === undefined ? { store: {} } : JSON.parse(sealed)
  return {
    plan: { ...plan, privateKey },
    destination: { ...destination, store: stores.joinSecrets(destination.store, store) },
  }
}

function splitTemplate({ plan, destination }: PlanTemplate): { open: StoredTemplate; secrets: TemplateSecrets } {
  const { privateKey, ...openPlan } = plan
  const { open, secrets } = stores.splitSecrets(destination.store)
  return {
    open: { plan: openPlan, destination: { ...destination, store: open } },
    secrets: { privateKey, store: secrets },
  }
}

function toColumns({ sealer }: RepositoryContext, policy: Policy) {
  const split = policy.template && splitTemplate(policy.template)
  return {
    name: policy.name,
    label: policy.label ?? null,
    description: policy.description ?? null,
    priority: policy.priority,
    selector: JSON.stringify(policy.selector),
    template: split === undefined ? null : JSON.stringify(split.open),
    sealed_template_secrets:
      split === undefined ? null : sealer.seal(JSON.stringify(split.secrets), purposeFor(policy.id)),
    floor: policy.floor === undefined ? null : JSON.stringify(policy.floor),
    may_pause: policy.mayPause,
  }
}

/** Any fixed number: the name of the lock. */
const POLICY_LOCK = 4_711_208_031

/** Serializes, until the end of the transaction, whatever changes policies, in all managers. */
export async function lockPolicies({ database }: InTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${POLICY_LOCK})`.execute(database)
}

/** All policies, in the order of their ids. There are few. */
export async function listPolicies(context: RepositoryContext): Promise<Policy[]> {
  const rows = await context.database.selectFrom('policies').selectAll().orderBy('id').execute()
  return rows.map((row) => fromRow(context, row))
}

export async function findPolicy(context: RepositoryContext, id: string): Promise<Policy | undefined> {
  const row = await context.database.selectFrom('policies').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(context, row)
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of policies, newest first: all, or some by id. */
export async function searchPolicies(
  context: RepositoryContext,
  { ids, text }: { ids: readonly string[] | 'all'; text: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Policy>> {
  let query = context.database.selectFrom('policies').selectAll()
  if (ids !== 'all') query = query.where('id', '=', sql<string>`any(${[...ids]}::text[])`)
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

/** Stores a new policy. */
export async function insertPolicy(context: RepositoryContext, policy: Policy): Promise<void> {
  await context.database
    .insertInto('policies')
    .values({ id: policy.id, created_at: policy.createdAt, ...toColumns(context, policy) })
    .execute()
}

/** Replaces a policy. Returns the new version; undefined if another one than `policy.version` is stored. */
export async function updatePolicy(context: RepositoryContext, policy: Policy): Promise<number | undefined> {
  const row = await context.database
    .updateTable('policies')
    .set({ ...toColumns(context, policy), version: sql`version + 1` })
    .where('id', '=', policy.id)
    .where('version', '=', policy.version)
    .returning('version')
    .executeTakeFirst()
  return row?.version
}

/** Deletes a policy. Returns false if there is none. */
export async function deletePolicy({ database }: InTransaction, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('policies').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** Whether a policy was not stored because another one has its name. */
export const isPolicyNameTaken = (error: unknown): boolean => isViolationOf(error, 'policies_name')
