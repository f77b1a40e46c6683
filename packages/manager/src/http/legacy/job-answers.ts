import type { BackupJob as WireBackupJob, Job as WireJob, RestoreJob as WireRestoreJob } from '@osb-backup/protocol'
import type { Context } from '../../context/context.ts'
import { destinationsById } from '../../destinations/service.ts'
import { instancesById } from '../../instances/service.ts'
import type { BackupJob, JobAtAgent, RestoreJob } from '../../jobs/job.ts'
import { plansById } from '../../plans/service.ts'
import { invariant } from '../../shared/invariant.ts'
import { jobToWire } from './wire/job.ts'

/** Jobs as clients read them, each with its instance, its plan and its destination. */
export async function jobsToAnswer(context: Context, jobs: readonly JobAtAgent[]): Promise<WireJob[]> {
  const planIds = jobs.map((job) => job.planId)
  const plans = await plansById(context, planIds)
  const all = [...jobs, ...plans.values()]
  const instanceIds = all.map((each) => each.instanceId)
  const destinationIds = all.map((each) => each.destinationId)
  const instances = await instancesById(context, instanceIds)
  const destinations = await destinationsById(context, destinationIds)
  return jobs.map((job) => jobToWire(job, { plans, instances, destinations }))
}

/** One job as clients read it. */
export async function jobToAnswer(context: Context, job: JobAtAgent): Promise<WireJob> {
  const [answer] = await jobsToAnswer(context, [job])
  invariant(answer, 'one job gives one answer')
  return answer
}

export async function backupJobToAnswer(context: Context, job: BackupJob): Promise<WireBackupJob> {
  const answer = await jobToAnswer(context, job)
  invariant(answer.jobType === 'BACKUP', 'a backup job is answered as one')
  return answer
}

export async function restoreJobToAnswer(context: Context, job: RestoreJob): Promise<WireRestoreJob> {
  const answer = await jobToAnswer(context, job)
  invariant(answer.jobType === 'RESTORE', 'a restore job is answered as one')
  return answer
}
