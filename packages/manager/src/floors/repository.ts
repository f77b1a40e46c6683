import type { Floor, PolicySelector, Retention, SelectableInstance } from '@osb-backup/core'
import { type StoreSettings, stores } from '@osb-backup/storage'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** The floor of a policy. */
export interface PolicyFloor {
  policyId: string
  name: string
  selector: PolicySelector
  floor: Floor
}

/** The floors of all policies that have one. */
export async function listFloors({ database }: { database: Database }): Promise<PolicyFloor[]> {
  const rows = await database
    .selectFrom('policies')
    .select(['id', 'name', 'selector', 'floor'])
    .where('floor', 'is not', null)
    .orderBy('id')
    .execute()
  return rows.flatMap(({ id, name, selector, floor }) => (floor ? [{ policyId: id, name, selector, floor }] : []))
}

/** A plan as floors see it. */
export interface PlanOnFloor {
  planId: string
  instanceId: string
  name: string
  managedBy: string | undefined
  retention: Retention
  isEncrypted: boolean
  /** Without its secrets. */
  store: StoreSettings
}

/** The plans of instances, or those that store in a destination. */
export async function plansOnFloor(
  { database }: { database: Database },
  of: { instanceIds: readonly string[] } | { destinationId: string },
): Promise<PlanOnFloor[]> {
  const query = database
    .selectFrom('backup_plans')
    .innerJoin('file_destinations', 'file_destinations.id', 'backup_plans.destination_id')
    .select(['backup_plans.id', 'backup_plans.instance_id', 'backup_plans.name', 'backup_plans.managed_by'])
    .select(['retention_style', 'retention_period', 'retention_generations', 'timezone', 'public_key', 'store'])
    .orderBy('backup_plans.id')
  const rows = await ('instanceIds' in of
    ? query.where('backup_plans.instance_id', '=', sql<string>`any(${[...of.instanceIds]}::text[])`)
    : query.where('destination_id', '=', of.destinationId)
  ).execute()
  return rows.map((row) => ({
    planId: row.id,
    instanceId: row.instance_id,
    name: row.name,
    managedBy: row.managed_by ?? undefined,
    retention: {
      style: row.retention_style,
      period: row.retention_period,
      generations: row.retention_generations ?? undefined,
      timezone: row.timezone,
    },
    isEncrypted: row.public_key !== null,
    store: stores.joinSecrets(row.store, {}),
  }))
}

/** What selectors are compared with of an instance. */
export type InstanceFacts = SelectableInstance & {
  /** Policies give it no plan: its broker deleted its plans, so that it is about to be deleted; or drills restore into it. */
  isLeftAlone: boolean
}

const facts = (database: Database) =>
  database
    .selectFrom('service_instances')
    .select([
      'id',
      'service_id',
      'plan_id',
      'organization_guid',
      'space_guid',
      'label',
      'deprovisioned_at',
      'drill_target',
    ])
    .where('deleted_at', 'is', null)

function toFacts(row: Awaited<ReturnType<ReturnType<typeof facts>['execute']>>[number]): InstanceFacts {
  return {
    id: row.id,
    serviceId: row.service_id ?? undefined,
    servicePlanId: row.plan_id ?? undefined,
    organizationGuid: row.organization_guid ?? undefined,
    spaceGuid: row.space_guid ?? undefined,
    label: row.label ?? undefined,
    isLeftAlone: row.deprovisioned_at !== null || row.drill_target,
  }
}

/** The facts of a registered instance. */
export async function findInstanceFacts(
  { database }: { database: Database },
  id: string,
): Promise<InstanceFacts | undefined> {
  const row = await facts(database).where('id', '=', id).executeTakeFirst()
  return row && toFacts(row)
}

/** The facts of the registered instances among some, by id from one on. */
export async function listInstanceFacts(
  { database }: { database: Database },
  { scope, after, limit }: { scope: 'all' | readonly string[]; after: string; limit: number },
): Promise<InstanceFacts[]> {
  let query = facts(database).where('id', '>', after).orderBy('id').limit(limit)
  if (scope !== 'all') query = query.where('id', '=', sql<string>`any(${[...scope]}::text[])`)
  return (await query.execute()).map(toFacts)
}
