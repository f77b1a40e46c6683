import { z } from 'zod'
import { about } from '../about.ts'

/**
 * What became of a scheduled run: a job was started; none was, since one of the plan was not over yet or the plan was being
 * changed; or no manager was running to start it in time.
 */
export const planRunOutcomes = ['STARTED', 'SKIPPED', 'MISSED'] as const
export type PlanRunOutcome = (typeof planRunOutcomes)[number]

/** A scheduled run of a backup plan, or several in a row that were missed. */
export const planRunSchema = z.object({
  outcome: z.enum(planRunOutcomes).meta(about('Outcome of the run', 'STARTED')),
  /** When it was due; of several that were missed, the first. */
  dueAt: z.string().meta(about('When it was due', '2026-03-01T02:00:00.000+00:00')),
  /** Of several that were missed, the last. */
  lastDueAt: z.string().meta(about('Of several the last', '2026-03-01T02:00:00.000+00:00')),
  /** How many runs this covers. */
  runs: z.int().min(1).meta(about('Number of runs that this entry covers', 1)),
  /** The job was started later than it should have been, after an outage. */
  late: z.boolean().meta(about('Whether it was started late, after an outage', true)),
  /** Started: the job. Skipped: the job that blocked the run. */
  backupJobId: z.string().optional().meta(about('The backup job', '69a3a7c0f1d2b3c4d5e6f708')),
  /** Why no job was started. */
  reason: z.string().optional().meta(about('Why', 'No manager was running to start it in time.')),
  decidedAt: z.string().meta(about('When the outcome was decided', '2026-03-01T02:00:00.000+00:00')),
})
export type PlanRun = z.infer<typeof planRunSchema>
