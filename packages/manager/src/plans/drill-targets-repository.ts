import type { Database } from '../database/open-database.ts'

/** Whether a service broker is registered that drills can request instances of. */
export async function isServiceBroker({ database }: { database: Database }, id: string): Promise<boolean> {
  const row = await database.selectFrom('service_brokers').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}
