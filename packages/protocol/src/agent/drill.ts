import { z } from 'zod'

/**
 * What the names of the databases begin with that drills create and drop. An agent drops no other database, whatever a request
 * says.
 */
export const DRILL_DATABASE_PREFIX = 'osb_drill_'

/** The capability of agents that run drills. Others would ignore what a request says of one, and restore for good. */
export const DRILL_CAPABILITY = 'drills'

/** How much of what a check printed an agent reports; one that prints more has failed. */
export const MAX_CHECK_OUTPUT = 4096

/** What a check is: a statement of the database, or a comparison with the row counts that the backup recorded. */
export const checkKinds = ['statement', 'row-counts'] as const
export type CheckKind = (typeof checkKinds)[number]

/** A check of a restored database. */
export const agentCheckSchema = z.object({
  name: z.string(),
  kind: z.enum(checkKinds),
  statement: z.string().optional(),
})
export type AgentCheck = z.infer<typeof agentCheckSchema>

/** Additive, restores only: the restore is a drill. */
export const agentDrillSchema = z.object({
  /** Run by the script `check` after `verify`, each once. */
  checks: z.array(agentCheckSchema).optional(),
  /** The script `drill-cleanup` drops the database in the end, whatever happens. */
  cleanup: z.boolean().optional(),
})
export type AgentDrill = z.infer<typeof agentDrillSchema>

/** How a check ended. */
export const agentCheckResultSchema = z.object({
  name: z.string().max(200),
  /** Its script exited with 0. Whether it printed what was expected is for the manager to judge. */
  ok: z.boolean(),
  output: z.string().max(MAX_CHECK_OUTPUT).optional(),
  error: z.string().max(10_000).optional(),
})
export type AgentCheckResult = z.infer<typeof agentCheckResultSchema>
