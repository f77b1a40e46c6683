import { z } from 'zod'

/** The priority of the node that suits best. 0 is that of one that must not run the job. */
export const HIGHEST_PRIORITY = 100
/** The priority of a node whose pack has no `elect`. */
export const DEFAULT_PRIORITY = 50

/** The answer of an agent to the question how well its node suits for a job. */
export const electionAnswerSchema = z.looseObject({
  priority: z.int().min(0).max(HIGHEST_PRIORITY),
  reason: z.string().max(1000).optional().catch(undefined),
})
