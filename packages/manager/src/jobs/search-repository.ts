import type { JobKind } from '@osb-backup/core'
import type { JobStatus } from '@osb-backup/protocol'
import { type RawBuilder, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { beginsWith, contains, isGranted } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Job } from './job.ts'
import { withParts } from './repository.ts'

/** What a list of jobs over many instances is filtered by. */
export interface JobSearch {
  scope: Grants
  kind?: JobKind | undefined
  status?: JobStatus | undefined
  /** Only jobs that were cancelled, or only others. */
  isCancelled?: boolean | undefined
  planId?: string | undefined
  item?: string | undefined
  /** Of when they were started. */
  since?: Date | undefined
  until?: Date | undefined
  /** In their id, which must be whole, the id of their instance or the name of their plan. */
  text?: string | undefined
}

const key = [
  { name: 'jobs.started_at', type: 'instant' },
  { name: 'jobs.id', type: 'text' },
] as const

/** One page of jobs, newest first, without what their scripts printed. */
export async function searchJobs(
  context: RepositoryContext,
  search: JobSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Job>> {
  const { kind, status, isCancelled, planId, item, since, until, text } = search
  let query = context.database.selectFrom('jobs').selectAll('jobs').where(isGranted('jobs.instance_id', search.scope))
  if (kind !== undefined) query = query.where('jobs.kind', '=', kind)
  if (status !== undefined) query = query.where('jobs.status', '=', status)
  if (isCancelled !== undefined) query = query.where('jobs.cancelled_at', isCancelled ? 'is not' : 'is', null)
  if (planId !== undefined) query = query.where('jobs.plan_id', '=', planId)
  if (since !== undefined) query = query.where('jobs.started_at', '>=', since)
  if (until !== undefined) query = query.where('jobs.started_at', '<', until)
  if (item !== undefined) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('job_parts')
          .select('job_parts.job_id')
          .whereRef('job_parts.job_id', '=', 'jobs.id')
          .where('job_parts.item', '=', item),
      ),
    )
  }
  if (text !== undefined) {
    query = query.where(({ or, eb, selectFrom }) =>
      or([
        beginsWith('jobs.id', text),
        contains('jobs.instance_id', text),
        eb('jobs.plan_id', 'in', selectFrom('backup_plans').select('id').where(contains('name', text))),
      ]),
    )
  }
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: await withParts(context, entries, { logs: false }), ...rest }
}

/** Jobs that have not ended, by state, and those that ended lately. */
export interface JobCounts {
  queued: number
  running: number
  unknown: number
  succeededLastDay: number
  failedLastDay: number
  cancelledLastDay: number
}

/** A failure that is followed by another attempt is not the end of its run. */
const isRetried = sql`(
  next_attempt_id is not null or exists (select from backup_plans where retry_of_job_id = jobs.id)
)`

/** Counts open jobs, and those that ended since an instant; of a run with several attempts its end. */
export async function countJobs({ database }: RepositoryContext, scope: Grants, since: Date): Promise<JobCounts> {
  const count = (condition: RawBuilder<unknown>) => sql<string>`count(*) filter (where ${condition})`
  const open = await database
    .selectFrom('jobs')
    .where('ended_at', 'is', null)
    .where(isGranted('instance_id', scope))
    .select([
      count(sql`status = 'STARTED'`).as('queued'),
      count(sql`status = 'RUNNING'`).as('running'),
      count(sql`status = 'UNKNOWN'`).as('unknown'),
    ])
    .executeTakeFirstOrThrow()
  const ended = await database
    .selectFrom('jobs')
    .where('ended_at', '>=', since)
    .where(isGranted('instance_id', scope))
    .select([
      count(sql`status = 'SUCCEEDED'`).as('succeededLastDay'),
      count(sql`status = 'FAILED' and cancelled_at is null and not ${isRetried}`).as('failedLastDay'),
      count(sql`status = 'FAILED' and cancelled_at is not null`).as('cancelledLastDay'),
    ])
    .executeTakeFirstOrThrow()
  return {
    queued: Number(open.queued),
    running: Number(open.running),
    unknown: Number(open.unknown),
    succeededLastDay: Number(ended.succeededLastDay),
    failedLastDay: Number(ended.failedLastDay),
    cancelledLastDay: Number(ended.cancelledLastDay),
  }
}
