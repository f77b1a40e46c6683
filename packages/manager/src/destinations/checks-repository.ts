import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'

/** A destination that its settings were just stored for is used soon, or checked by its user. */
const FIRST_CHECK_SECONDS = 300

/** Adds destinations that were created since, and forgets those that were retired. */
export async function syncChecks({ database }: { database: Database }): Promise<void> {
  await sql`
    insert into destination_checks (destination_id, check_at)
    select id, now() + make_interval(secs => ${FIRST_CHECK_SECONDS}) from file_destinations destination
    where deleted_at is null and not exists (select from destination_checks where destination_id = destination.id)
    on conflict do nothing`.execute(database)
  await sql`
    delete from destination_checks checks using file_destinations destination
    where destination.id = checks.destination_id and destination.deleted_at is not null`.execute(database)
}

/** Claims destinations whose check is due, so that no other manager checks them at the same time. Returns their ids. */
export async function claimChecks(
  { database }: { database: Database },
  intervalSeconds: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    update destination_checks set check_at = now() + make_interval(secs => ${intervalSeconds})
    where destination_id in (
      select destination_id from destination_checks where check_at <= now()
      order by check_at limit ${limit} for update skip locked
    ) returning destination_id as id`.execute(database)
  return rows.map(({ id }) => id)
}

/** What a check of a destination found. */
export interface CheckResult {
  /** Why it cannot be used; undefined: it can. */
  error: string | undefined
  certificatesExpireAt: Date[]
  /** Undefined: the credentials do not expire, or the server does not say. Absent: it could not be asked. */
  credentialsExpireAt?: Date | undefined
}

/** Records what a check found. When credentials expire remains known while the server cannot be asked: they may have. */
export async function recordCheck(
  { database }: { database: Database },
  destinationId: string,
  { error, certificatesExpireAt, ...asked }: CheckResult,
): Promise<void> {
  const { credentialsExpireAt } = asked
  await database
    .updateTable('destination_checks')
    .set({
      reachable: error === undefined,
      error: error ?? null,
      checked_at: sql<Date>`now()`,
      certificates_expire_at: certificatesExpireAt,
      ...('credentialsExpireAt' in asked ? { credentials_expire_at: credentialsExpireAt ?? null } : {}),
    })
    .where('destination_id', '=', destinationId)
    .execute()
}

/** How many destinations that are in use were reachable, were not, and were not checked yet. */
export async function countDestinations(
  { database }: { database: Database },
  scope: Grants,
): Promise<{ reachable: number; unreachable: number; unknown: number }> {
  const { rows } = await sql<Record<'reachable' | 'unreachable' | 'unknown', string>>`
    select count(*) filter (where reachable) as reachable, count(*) filter (where not reachable) as unreachable,
      count(*) filter (where reachable is null) as unknown
    from file_destinations left join destination_checks on destination_id = id
    where deleted_at is null and ${isGranted('instance_id', scope)}`.execute(database)
  const [row] = rows
  return {
    reachable: Number(row?.reachable),
    unreachable: Number(row?.unreachable),
    unknown: Number(row?.unknown),
  }
}
