import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import { type JobLock, JobLockLost } from './job.ts'

/** A part of a job that this manager has locked. */
export interface LockedPart {
  lock: JobLock
  position: number
}

/** A setback that has a limit, which counts from the first one, over all managers. */
export type LimitedSetback = 'busy' | 'unreachable'

/**
 * Records that an agent is unreachable, or is busy, unless that is recorded already. A time that is ahead of the clock, since that
 * was corrected, is replaced.
 *
 * @param agoMs - When the call began.
 * @returns For how long it has been, by the database's clock.
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function recordSetback(
  { database }: { database: Database },
  { lock, position }: LockedPart,
  setback: LimitedSetback,
  agoMs: number,
): Promise<{ forMs: number }> {
  const began = sql`now() - make_interval(secs => ${agoMs / 1000})`
  const change =
    setback === 'busy'
      ? sql`busy_since = least(busy_since, ${began}), unreachable_since = null`
      : sql`unreachable_since = least(unreachable_since, ${began})`
  const { rows } = await sql<{ for_ms: number }>`
    update job_parts part set ${change}
    from jobs
    where ${isLockedPart({ lock, position })}
    returning (extract(epoch from now() - ${sql.ref(`part.${setback}_since`)}) * 1000)::float8 as for_ms`.execute(
    database,
  )
  const [row] = rows
  if (row === undefined) throw new JobLockLost(lock.id)
  return { forMs: row.for_ms }
}

/**
 * Records whether a request to start a part may have reached its agent.
 *
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function setMayHaveStarted(
  { database }: { database: Database },
  part: LockedPart,
  mayHaveStarted: boolean,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update job_parts part set may_have_started = ${mayHaveStarted}
    from jobs where ${isLockedPart(part)}`.execute(database)
  if (numAffectedRows === 0n) throw new JobLockLost(part.lock.id)
}

/** Records that an agent has answered. */
export async function clearSetbacks({ database }: { database: Database }, part: LockedPart): Promise<void> {
  await sql`
    update job_parts part set unreachable_since = null, busy_since = null
    from jobs
    where ${isLockedPart(part)} and (unreachable_since is not null or busy_since is not null)`.execute(database)
}

const isLockedPart = ({ lock, position }: LockedPart) => sql`
  part.job_id = ${lock.id} and part.position = ${position} and part.ended_at is null
  and jobs.id = part.job_id and jobs.locked_by is not distinct from ${lock.lockedBy ?? null}`
