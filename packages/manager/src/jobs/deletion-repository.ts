import type { Database } from '../database/open-database.ts'

/**
 * Deletes jobs that have ended; restore points and files stay. Those with a database that is locked are kept, since nothing else
 * shows the lock. Of an instance those are kept, too, whose run is to be tried again; to delete one of those by its id cancels
 * that.
 */
export async function deleteEndedJobs(
  { database }: { database: Database },
  which: { id: string } | { instanceId: string },
): Promise<void> {
  const query = database
    .deleteFrom('jobs')
    .where('ended_at', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job_parts')
            .select('position')
            .whereRef('job_id', '=', 'jobs.id')
            .where('locked_since', 'is not', null),
        ),
      ),
    )
  if ('id' in which) {
    await query.where('id', '=', which.id).execute()
    return
  }
  await query
    .where('instance_id', '=', which.instanceId)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('backup_plans').select('id').whereRef('retry_of_job_id', '=', 'jobs.id'))),
    )
    .execute()
}
