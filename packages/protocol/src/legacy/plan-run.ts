import { z } from 'zod'

/**
 * What became of a scheduled run: a job was started; none was, since one of the plan was not over yet or the plan was being
 * changed; or nobody was there to start it while there was time.
 */
export const planRunOutcomes = ['STARTED', 'SKIPPED', 'MISSED'] as const
export type PlanRunOutcome = (typeof planRunOutcomes)[number]

/** A scheduled run of a backup plan, or several in a row that were missed. */
export const planRunSchema = z.object({
  outcome: z.enum(planRunOutcomes),
  /** When it was due; of several that were missed, the first. */
  dueAt: z.string(),
  /** Of several that were missed, the last. */
  lastDueAt: z.string(),
  /** How many runs this stands for. */
  runs: z.int().min(1),
  /** The job was started later than it should have been, after an outage. */
  late: z.boolean(),
  /** Started: the job. Skipped: the job that was in the way. */
  backupJobId: z.string().optional(),
  /** Why no job was started. */
  reason: z.string().optional(),
  decidedAt: z.string(),
})
export type PlanRun = z.infer<typeof planRunSchema>
