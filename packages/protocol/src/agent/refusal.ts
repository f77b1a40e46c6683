import { z } from 'zod'

/**
 * Why an agent does not start a job; each but `database_not_allowed` may be over when it is asked again.
 *
 * - `database_busy`: another job works on the same database, or has not unlocked it yet; `blocking_job` names it.
 * - `database_not_allowed`: the agent is set not to work on the database; with status 403, and final.
 * - `job_limit`: as many jobs run as the agent may run.
 * - `insufficient_resources`: it could not reserve what it needs to unlock the database again.
 * - `recovering`, `stopping`: it was just started, or is about to end.
 * - `start_check_failed`: it was started with faulty settings, to finish earlier jobs.
 */
export const agentRefusalCodes = [
  'database_busy',
  'database_not_allowed',
  'job_limit',
  'insufficient_resources',
  'recovering',
  'stopping',
  'start_check_failed',
] as const
export type AgentRefusalCode = (typeof agentRefusalCodes)[number]

/**
 * The answer 429 or 503 of an agent that does not start a job now. `message`, `state` and `error_message` are the
 * published ones, which is all that the Go agent sends and the Java manager reads; the others are additive.
 */
export const agentRefusalSchema = z.looseObject({
  message: z.string().optional().catch(undefined),
  state: z.string().optional().catch(undefined),
  error_message: z.string().optional().catch(undefined),
  code: z.enum(agentRefusalCodes).optional().catch(undefined),
  /** The job that blocks the database; it may be one of another manager. */
  blocking_job: z
    .object({
      kind: z.enum(['backup', 'restore']),
      id: z.string().max(255),
      /** Since when it is locked, if it is. RFC 3339. */
      locked_since: z.string().max(40).optional(),
    })
    .optional()
    .catch(undefined),
})
export type AgentRefusal = z.infer<typeof agentRefusalSchema>
