import type { Selectable } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { BrokerBindingTable } from '../database/tables/broker.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { BrokerBinding } from './broker-instance.ts'

const purposeOfToken = (id: string) => purposeOf('broker_bindings', 'sealed_token', id)

function fromRow({ sealer }: RepositoryContext, row: Selectable<BrokerBindingTable>): BrokerBinding {
  return {
    id: row.id,
    brokerInstanceId: row.broker_instance_id,
    serviceId: row.service_id,
    planId: row.plan_id,
    bindResource: row.bind_resource,
    parameters: row.parameters,
    predecessorId: row.predecessor_id ?? undefined,
    tokenId: row.token_id,
    token: sealer.openOptional(row.sealed_token, purposeOfToken(row.id)),
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
  }
}

export async function findBinding(context: RepositoryContext, id: string): Promise<BrokerBinding | undefined> {
  const row = await context.database.selectFrom('broker_bindings').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(context, row)
}

export async function insertBinding(
  { database, sealer }: RepositoryContext & InTransaction,
  binding: BrokerBinding,
): Promise<void> {
  await database
    .insertInto('broker_bindings')
    .values({
      id: binding.id,
      broker_instance_id: binding.brokerInstanceId,
      service_id: binding.serviceId,
      plan_id: binding.planId,
      bind_resource: JSON.stringify(binding.bindResource),
      parameters: JSON.stringify(binding.parameters),
      predecessor_id: binding.predecessorId ?? null,
      token_id: binding.tokenId,
      sealed_token: sealer.sealOptional(binding.token, purposeOfToken(binding.id)),
      expires_at: binding.expiresAt ?? null,
      created_at: binding.createdAt,
    })
    .execute()
}

export async function deleteBinding({ database }: InTransaction, id: string): Promise<void> {
  await database.deleteFrom('broker_bindings').where('id', '=', id).execute()
}

/** The tokens of all bindings of an instance. */
export async function tokenIdsOf({ database }: InTransaction, brokerInstanceId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('broker_bindings')
    .select('token_id')
    .where('broker_instance_id', '=', brokerInstanceId)
    .execute()
  return rows.map((row) => row.token_id)
}
