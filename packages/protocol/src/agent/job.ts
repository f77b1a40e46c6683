import { z } from 'zod'
import { about } from '../about.ts'
import { agentFailureCodes } from '../failure-code.ts'
import { lenientWarningsSchema } from '../warning.ts'

/** A size on the wire. */
export const filesizeSchema = z.object({
  size: z.int().nonnegative().meta(about('Number of bytes', 1024)),
  unit: z.literal('byte').meta(about('Always byte', 'byte')),
})

/** How far a running part is, in bytes since its start. */
export const progressSchema = z.object({
  bytes_read: z.number().meta(about('Bytes read so far', 4096)),
  bytes_stored: z.number().meta(about('Bytes stored so far', 1024)),
})
export type Progress = z.infer<typeof progressSchema>

/**
 * A job as an agent reports it. Read leniently: the Go agent leaves fields out, and writes `Running` for a moment
 * after it accepted a job. Only `status` says that a job is over, never `state`; no other field keeps it from being
 * read. Log fields are named by `stageLogField` and pass through.
 */
export const agentJobSchema = z.looseObject({
  status: z.string(),
  message: z.string().optional().catch(undefined),
  /** The stage that runs now, or "finished". */
  state: z.string().optional().catch(undefined),
  error_message: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
  compression: z.boolean().optional().catch(undefined),
  filename: z.string().optional().catch(undefined),
  filesize: filesizeSchema.optional().catch(undefined),
  start_time: z.string().optional().catch(undefined),
  end_time: z.string().optional().catch(undefined),
  execution_time_ms: z.number().optional().catch(undefined),
  /** Additive fields of our agent. */
  failed_stage: z.string().optional().catch(undefined),
  /** Why it failed first, where that may be over at another attempt. */
  failure_code: z.enum(agentFailureCodes).optional().catch(undefined),
  /** One that is no text is not valid, rather than absent. */
  sha256: z.string().optional().catch(''),
  original_filesize: filesizeSchema.optional().catch(undefined),
  original_sha256: z.string().optional().catch(undefined),
  progress: progressSchema.optional().catch(undefined),
  /** Since when the database is locked; absent once it is unlocked. RFC 3339. */
  locked_since: z.string().max(40).optional().catch(undefined),
  /** How often the unlock failed; present only while it is retried. */
  unlock_attempts: z.int().nonnegative().optional().catch(undefined),
  /** When a cleanup or an unlock that failed is retried. */
  next_retry_at: z.string().max(40).optional().catch(undefined),
  warnings: lenientWarningsSchema.optional(),
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
export const agentStatusSchema = z.looseObject({ message: z.string() })
export type AgentStatus = z.infer<typeof agentStatusSchema>
