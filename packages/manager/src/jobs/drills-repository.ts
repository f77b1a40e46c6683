import type { DrillVerdict } from '@osb-backup/core'
import type { DrillCheck, DrillStepName } from '@osb-backup/protocol/v1'
import { sql } from 'kysely'
import { notifyJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { Drill } from './drill.ts'
import type { DrillJob, DrillPart } from './job.ts'

type DrillPartFields = Pick<DrillPart, 'takenAt' | 'database' | 'restoreJobId' | 'verdict'>

/** A drill with what it recorded of its parts, by position. */
export interface DrillRecord {
  drill: Drill
  parts: ReadonlyMap<number, DrillPartFields>
}

/** What drills recorded of themselves, by job. */
export async function findDrills(
  { database }: { database: Database },
  jobIds: readonly string[],
): Promise<Map<string, DrillRecord>> {
  if (jobIds.length === 0) return new Map()
  const rows = await database.selectFrom('drills').selectAll().where('job_id', 'in', jobIds).execute()
  const partRows = await database.selectFrom('drill_parts').selectAll().where('job_id', 'in', jobIds).execute()
  const stepRows = await database
    .selectFrom('drill_steps')
    .selectAll()
    .where('job_id', 'in', jobIds)
    .orderBy('id')
    .execute()
  const partsOf = Map.groupBy(partRows, (row) => row.job_id)
  const stepsOf = Map.groupBy(stepRows, (row) => row.job_id)
  return new Map(
    rows.map((row) => [
      row.job_id,
      {
        drill: {
          select: row.selection,
          target: row.target,
          checks: row.checks,
          step: row.step,
          targetInstanceId: row.target_instance_id ?? undefined,
          targetDatabase: row.target_database ?? undefined,
          failure: row.failure ?? undefined,
          cleanUpProblem: row.clean_up_problem ?? undefined,
          steps: (stepsOf.get(row.job_id) ?? []).map((step) => ({
            name: step.name,
            item: step.item ?? undefined,
            beganAt: step.began_at,
            endedAt: step.ended_at ?? undefined,
            succeeded: step.succeeded ?? undefined,
            detail: step.detail ?? undefined,
          })),
        },
        parts: new Map(
          (partsOf.get(row.job_id) ?? []).map((part) => [
            part.position,
            {
              takenAt: part.taken_at ?? undefined,
              database: part.database ?? undefined,
              restoreJobId: part.restore_job_id ?? undefined,
              verdict: part.verdict ?? undefined,
            },
          ]),
        ),
      },
    ]),
  )
}

/** Stores what new drills are to do. */
export async function insertDrills({ database }: InTransaction, jobs: readonly DrillJob[]): Promise<void> {
  if (jobs.length === 0) return
  await database
    .insertInto('drills')
    .values(
      jobs.map(({ id, drill }) => ({
        job_id: id,
        selection: drill.select,
        target: JSON.stringify(drill.target),
        checks: JSON.stringify(drill.checks),
      })),
    )
    .execute()
  for (const { id, parts } of jobs) {
    await sql`insert into drill_parts (job_id, position)
      select ${id}, position from unnest(${parts.map(({ position }) => position)}::integer[]) as position`.execute(
      database,
    )
  }
}

/** What a drill wants of a restore: what is checked, and whether the database is dropped in the end. */
export async function findDrillOfRestore(
  { database }: { database: Database },
  drillJobId: string,
): Promise<{ checks: DrillCheck[]; targetDatabase: string | undefined } | undefined> {
  const row = await database
    .selectFrom('drills')
    .select(['checks', 'target_database'])
    .where('job_id', '=', drillJobId)
    .executeTakeFirst()
  return row && { checks: row.checks, targetDatabase: row.target_database ?? undefined }
}

/** What the kind of target recorded about the steps of its own. */
export async function findTargetState(
  { database }: { database: Database },
  jobId: string,
): Promise<Record<string, unknown>> {
  const row = await database
    .selectFrom('drills')
    .select('target_state')
    .where('job_id', '=', jobId)
    .executeTakeFirstOrThrow()
  return row.target_state
}

/** What changes of a drill. */
export interface DrillChange {
  step?: DrillStepName
  targetInstanceId?: string
  targetDatabase?: string | undefined
  targetState?: Record<string, unknown>
  failure?: string
  /** Null: the last attempt to clean up did not fail. */
  cleanUpProblem?: string | null
}

/** Changes what a drill recorded. The first failure stays. The caller has locked the job's row. */
export async function updateDrill(tx: InTransaction, jobId: string, change: DrillChange): Promise<void> {
  const { step, targetInstanceId, targetDatabase, targetState, failure, cleanUpProblem } = change
  await tx.database
    .updateTable('drills')
    .set({
      job_id: jobId,
      ...(step !== undefined && { step }),
      ...(targetInstanceId !== undefined && { target_instance_id: targetInstanceId }),
      ...(targetDatabase !== undefined && { target_database: targetDatabase }),
      ...(targetState !== undefined && { target_state: JSON.stringify(targetState) }),
      ...(failure !== undefined && { failure: sql<string>`coalesce(failure, ${failure}::text)` }),
      ...(cleanUpProblem !== undefined && {
        clean_up_problem: cleanUpProblem,
        clean_up_attempts: sql<number>`clean_up_attempts + 1`,
      }),
    })
    .where('job_id', '=', jobId)
    .execute()
  await notifyJobChange(tx, jobId)
}

/** Changes what a drill recorded of a part. The caller has locked the job's row. */
export async function updateDrillPart(
  { database }: InTransaction,
  jobId: string,
  position: number,
  change: { database?: string; restoreJobId?: string; takenAt?: Date; verdict?: DrillVerdict },
): Promise<void> {
  const { database: name, restoreJobId, takenAt, verdict } = change
  await database
    .updateTable('drill_parts')
    .set({
      job_id: jobId,
      ...(name !== undefined && { database: name }),
      ...(restoreJobId !== undefined && { restore_job_id: restoreJobId }),
      ...(takenAt !== undefined && { taken_at: takenAt }),
      ...(verdict !== undefined && { verdict: JSON.stringify(verdict) }),
    })
    .where('job_id', '=', jobId)
    .where('position', '=', position)
    .execute()
}

/** Names the restore point that a part of a drill restores. The caller has locked the job's row. */
export async function setDrilledPoint(
  { database }: InTransaction,
  jobId: string,
  position: number,
  pointId: string,
): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({ restore_point_id: pointId })
    .where('job_id', '=', jobId)
    .where('position', '=', position)
    .execute()
}

/** Records that a step begins, unless it has begun and not ended. The caller has locked the job's row. */
export async function beginDrillStep(
  { database }: InTransaction,
  jobId: string,
  name: DrillStepName,
  item: string | null = null,
): Promise<void> {
  await sql`
    insert into drill_steps (job_id, name, item)
    select ${jobId}, ${name}, ${item} where not exists (
      select from drill_steps where job_id = ${jobId} and name = ${name} and item is not distinct from ${item} and ended_at is null
    )`.execute(database)
}

/** Records that a step has ended. The caller has locked the job's row. */
export async function endDrillStep(
  { database }: InTransaction,
  jobId: string,
  name: DrillStepName,
  { item = null, succeeded, detail }: { item?: string | null; succeeded: boolean; detail?: string | undefined },
): Promise<void> {
  await sql`
    update drill_steps set ended_at = clock_timestamp(), succeeded = ${succeeded}, detail = ${detail ?? null}
    where job_id = ${jobId} and name = ${name} and item is not distinct from ${item} and ended_at is null`.execute(
    database,
  )
}
