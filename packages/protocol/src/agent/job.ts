import { z } from 'zod'
import { about } from '../about.ts'
import { agentFailureCodes } from '../failure-code.ts'
import { compressionAlgorithms } from '../transforms.ts'
import { lenientWarningsSchema } from '../warning.ts'
import { agentCheckResultSchema } from './drill.ts'

/** A size on the wire. */
export const filesizeSchema = z.object({
  size: z.int().nonnegative().meta(about('Number of bytes', 1024)),
  unit: z.literal('byte').meta(about('Always byte', 'byte')),
})

/** A size as an agent reports it. The Go agent leaves the unit empty until its upload has ended; it counts bytes always. */
const agentFilesizeSchema = z.looseObject({ size: filesizeSchema.shape.size })

/**
 * How a dump was transformed before it was stored, in this order: compressed, then encrypted. Where its script did that
 * (`by`), the agent stored the file as it is, and knows neither the format nor the cipher.
 */
export const agentTransformsSchema = z.object({
  by: z.enum(['agent', 'script']),
  compression: z.enum(['none', ...compressionAlgorithms]),
  encrypted: z.boolean(),
})
export type AgentTransforms = z.infer<typeof agentTransformsSchema>

/** How far a running part is, in bytes since its start. */
export const progressSchema = z.object({
  bytes_read: z.number().meta(about('Bytes read so far', 4096)),
  bytes_stored: z.number().meta(about('Bytes stored so far', 1024)),
  expected_bytes: z
    .number()
    .optional()
    .meta(about('How large the dump is going to be before compression, as the check stage estimates', 8192)),
})
export type Progress = z.infer<typeof progressSchema>

/** A step of a job, as it was started; a transfer of a file is a step of its own. */
const agentStageSchema = z.object({
  stage: z.string().max(50),
  /** RFC 3339. */
  start_time: z.string().max(40).optional(),
  end_time: z.string().max(40).optional(),
  /** Absent while it runs. */
  ok: z.boolean().optional(),
  /** It has no script: nothing ran. */
  skipped: z.boolean().optional(),
  attempt: z.int().positive().optional(),
})

/**
 * A job as an agent reports it. Only `status` says that a job has ended, never `state`. Log fields are named by
 * `stageLogField` and pass through. Agents of other kinds and versions are read by `readAgentJob`.
 */
export const agentJobSchema = z.looseObject({
  status: z.string(),
  message: z.string().optional(),
  /** The stage that runs now, or "finished". */
  state: z.string().optional(),
  error_message: z.string().optional(),
  type: z.string().optional(),
  compression: z.boolean().optional(),
  filename: z.string().optional(),
  filesize: agentFilesizeSchema.optional(),
  start_time: z.string().optional(),
  end_time: z.string().optional(),
  execution_time_ms: z.number().optional(),
  /** Additive fields of our agent. */
  failed_stage: z.string().optional(),
  /** Why it failed first, where that may be over at another attempt. */
  failure_code: z.enum(agentFailureCodes).optional(),
  sha256: z.string().optional(),
  /** SHA-256 of the manifest as it is stored, and so of the digests of all chunks; sent along with a restore. */
  root: z.string().optional(),
  original_filesize: agentFilesizeSchema.optional(),
  original_sha256: z.string().optional(),
  transforms: agentTransformsSchema.optional(),
  progress: progressSchema.optional(),
  /** Since when the database is locked; absent once it is unlocked. RFC 3339. */
  locked_since: z.string().max(40).optional(),
  /** How often the unlock failed; present only while it is retried. */
  unlock_attempts: z.int().nonnegative().optional(),
  /** When a cleanup or an unlock that failed is retried. */
  next_retry_at: z.string().max(40).optional(),
  warnings: lenientWarningsSchema.optional(),
  /** Its steps so far, in the order in which they were started. */
  stages: z.array(agentStageSchema).max(100).optional(),
  /** Drills: the checks that have run. */
  checks: z.array(agentCheckResultSchema).max(100).optional(),
})
export type AgentJob = z.infer<typeof agentJobSchema>

/** A database that a job of an agent has locked. */
export const lockedDatabaseSchema = z.object({
  kind: z.enum(['backup', 'restore']),
  /** Id of the job at the agent. */
  id: z.string().max(255),
  host: z.string().max(1000),
  database: z.string().max(1000),
  locked_since: z.string().max(40),
  /** How often the unlock failed; 0: the job still works on the database. */
  unlock_attempts: z.int().nonnegative(),
})
export type LockedDatabase = z.infer<typeof lockedDatabaseSchema>

/** `GET /status` of an agent. */
export const agentStatusSchema = z.looseObject({
  message: z.string(),
  version: z.string().optional(),
  /** Whether it accepts new jobs, and the code of why not. */
  accepts_jobs: z.boolean().optional(),
  accepts_no_jobs_because: z.string().optional(),
  /** What a check of its settings found: jobs from before are finished, and no new ones accepted until it is corrected. */
  start_problem: z.string().optional(),
})
export type AgentStatus = z.infer<typeof agentStatusSchema>
