import type { Job as WireJob } from '@osb-backup/protocol'
import type { Context } from '../../context/context.ts'
import { destinationsById } from '../../destinations/repository.ts'
import { instancesById } from '../../instances/repository.ts'
import type { Job } from '../../jobs/job.ts'
import { plansById } from '../../plans/repository.ts'
import { invariant } from '../../shared/invariant.ts'
import { jobToWire } from './wire/job.ts'

/** Jobs as clients read them, each with its instance, its plan and its destination. */
export async function jobsToAnswer(context: Context, jobs: readonly Job[]): Promise<WireJob[]> {
  const planIds = jobs.flatMap((job) => job.planId ?? [])
  const plans = await plansById(context, planIds)
  const all = [...jobs, ...plans.values()]
  const instances = await instancesById(
    context,
    all.map((each) => each.instanceId),
  )
  const destinations = await destinationsById(
    context,
    all.map((each) => each.destinationId),
  )
  return jobs.map((job) => jobToWire(job, { plans, instances, destinations }))
}

/** One job as clients read it. */
export async function jobToAnswer(context: Context, job: Job): Promise<WireJob> {
  const [answer] = await jobsToAnswer(context, [job])
  invariant(answer, 'one job makes one answer')
  return answer
}
