import { backupStages, restoreStages, stageLogField } from '../stage.ts'
import { type AgentJob, agentJobSchema } from './job.ts'

const { status: statusSchema, ...otherFields } = agentJobSchema.shape

const logFields = [...backupStages, ...restoreStages].flatMap((stage) => [
  stageLogField(stage, 'log'),
  stageLogField(stage, 'errorlog'),
])

/** What an agent says of a job, in upper case: the Go agent writes `Running` for a moment after it accepted a job. */
export const agentStatuses = ['STARTED', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const
export type AgentStatusName = (typeof agentStatuses)[number]

/** The status of a job at its agent; undefined for an unknown word, from which nothing can be concluded. */
export function agentStatusOf({ status }: Pick<AgentJob, 'status'>): AgentStatusName | undefined {
  return agentStatuses.find((known) => known === status.toUpperCase())
}

/**
 * Whether an agent stops the script of a job that is deleted. The Go agent does not: it forgets the job, and the script and
 * its upload continue unseen. It reports no progress either.
 */
export function stopsScripts({ progress }: Pick<AgentJob, 'progress'>): boolean {
  return progress !== undefined
}

/** A job as an agent reported it, and the fields whose values are not as expected and were left out. */
export interface LenientAgentJob {
  job: AgentJob
  ignored: string[]
}

/**
 * Reads a job of any agent. The Go agent leaves fields out, adds others and has units of its own, and none of that ends a
 * backup that runs: what is null counts as absent, what has the wrong type is left out. A digest is never left out, since it
 * decides whether a backup is whole; one that is not text is invalid.
 *
 * @returns Undefined if the answer has no status: whatever it is, it is not a job of an agent.
 */
export function readAgentJob(answer: unknown): LenientAgentJob | undefined {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return undefined
  const fields = Object.entries(answer).filter(([, value]) => value !== null && value !== undefined)
  const job: Record<string, unknown> = Object.fromEntries(fields)
  if (!statusSchema.safeParse(job.status).success) return undefined
  if (job.sha256 !== undefined && typeof job.sha256 !== 'string') job.sha256 = 'invalid'
  if (job.root !== undefined && typeof job.root !== 'string') job.root = 'invalid'
  const ignored = Object.entries(otherFields).flatMap(([name, schema]) =>
    name in job && !schema.safeParse(job[name]).success ? [name] : [],
  )
  ignored.push(...logFields.filter((name) => name in job && typeof job[name] !== 'string'))
  for (const name of ignored) delete job[name]
  return { job: agentJobSchema.parse(job), ignored }
}
