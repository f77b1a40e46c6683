import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { isGranted } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { fromRow } from './instances-repository.ts'
import type { ProvisionedInstance, stateOf } from './provisioned-instance.ts'

/** What a list of provisioned instances is filtered by. */
export interface ProvisionedSearch {
  /** Of the instances whose data they have. */
  scope: Grants
  serviceBrokerId?: string | undefined
  state?: ReturnType<typeof stateOf> | undefined
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of provisioned instances, newest first. */
export async function searchProvisioned(
  context: RepositoryContext,
  { scope, serviceBrokerId, state }: ProvisionedSearch,
  page: KeysetRequest,
): Promise<KeysetPage<ProvisionedInstance>> {
  let query = context.database
    .selectFrom('provisioned_instances')
    .selectAll()
    .where(isGranted('source_instance_id', scope))
  if (serviceBrokerId !== undefined) query = query.where('service_broker_id', '=', serviceBrokerId)
  if (state === 'deprovisioned') query = query.where('ended_at', 'is not', null)
  else if (state !== undefined)
    query = query.where('ended_at', 'is', null).where('wanted', '=', state !== 'deprovisioning')
  if (state === 'ready' || state === 'provisioned') {
    query = query.where('next_step_at', 'is', null).where('released', '=', state === 'ready')
  }
  if (state === 'provisioning') query = query.where('next_step_at', 'is not', null)
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => fromRow(context, row)), ...rest }
}

/** Deletes the records of instances that ended before an instant. Returns how many, at most `limit`. */
export async function deleteProvisionedBefore(
  { database }: InTransaction,
  before: Date,
  limit: number,
): Promise<number> {
  const expired = database.selectFrom('provisioned_instances').select('id').where('ended_at', '<', before).limit(limit)
  const { numDeletedRows } = await database
    .deleteFrom('provisioned_instances')
    .where('id', 'in', expired)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
