import { z } from 'zod'
import { failureCodes } from '../failure-code.ts'
import { jobDrillSchema, partDrillSchema } from './drills.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  filterFields,
  idSchema,
  instantSchema,
  pagingFields,
  searchField,
} from './schema.ts'

export const jobStates = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'unknown'] as const
export type JobState = (typeof jobStates)[number]

export const jobKinds = ['backup', 'restore', 'verify', 'drill'] as const
export type JobKind = (typeof jobKinds)[number]

/** What a verification found an object to be. */
export const verificationStates = ['intact', 'damaged', 'missing'] as const

const endedStates: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled'])

/** Whether a state is final. */
export function isEnded(state: JobState): boolean {
  return endedStates.has(state)
}

/** The state of a job or of a part of it. */
export const stateSchema = z
  .enum(jobStates)
  .meta(
    about(
      '`unknown`: the agent does not answer, so it may be running; its database stays reserved until the agent answers again. Succeeded, failed and cancelled are final',
      'succeeded',
    ),
  )

/** Something that an operator should know of a job that went well. */
export const warningSchema = z.object({
  code: z.string().meta(about('What it is about, for programs', 'roles-not-dumped')),
  message: z.string().meta(about('Summary of the problem', 'Passwords of roles are not part of the dump.')),
})
export type Warning = z.infer<typeof warningSchema>
export const warningsField = z
  .array(warningSchema)
  .meta({ description: 'What an operator should know though it went well' })

const checksum = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

/** What a job does for one item. */
export const jobPartSchema = z.object({
  item: z.string().meta(about('The item', 'shop')),
  database: z
    .string()
    .meta(about('The database that is dumped or written; verifications: the one that was dumped', 'shop')),
  state: stateSchema,
  stage: z.string().optional().meta(about('The stage that is running', 'backup')),
  stages: z
    .array(
      z.object({
        name: z.string().meta(about('The stage, or `upload` or `download` of a file', 'backup')),
        state: z
          .enum(['running', 'succeeded', 'failed'])
          .meta(about('How it ended; an unlock that failed is retried', 'succeeded')),
        attempt: z.int().min(1).meta(about('Which attempt of the stage it is; 1 for the first', 1)),
        startedAt: instantSchema.optional().meta(about('When it started, by the clock of the agent', EXAMPLE_INSTANT)),
        endedAt: instantSchema.optional().meta(about('When it ended', '2026-03-01T02:00:42.000Z')),
      }),
    )
    .meta({ description: 'The stages that were started, in their order; empty for older agents and verifications' }),
  failedStage: z.string().optional().meta(about('The stage that failed', 'backup')),
  error: z.string().optional().meta(about('Why it failed, or is unknown', 'pg_dump: error: connection refused')),
  failureCode: z.enum(failureCodes).optional().meta(about('Why it failed, for programs', 'agent-unreachable')),
  agentId: idSchema.optional().meta(about('The agent that runs it, or ran it; absent before it began', EXAMPLE_ID)),
  waitingFor: z
    .object({
      jobId: idSchema.meta(about('The job that it waits for', EXAMPLE_ID)),
      reason: z.string().meta(about('Why', 'The restore job 69a3a7c0f1d2b3c4d5e6f708 works on this database.')),
    })
    .optional()
    .meta({ description: 'Queued: the job that keeps it from beginning. At most one job works on a database' }),
  lockedSince: instantSchema
    .optional()
    .meta(
      about(
        'Since when the database is locked, until it is unlocked. The agent retries an unlock that fails until it succeeds',
        EXAMPLE_INSTANT,
      ),
    ),
  unlockAttempts: z
    .int()
    .optional()
    .meta(about('Number of unlock attempts, while an unlock that failed is retried', 3)),
  warnings: warningsField,
  bytesRead: z.int().optional().meta(about('Bytes read so far: dumped, or fetched from the store', 4096)),
  bytesExpected: z
    .int()
    .optional()
    .meta(about('How large the dump is going to be before compression, as the check stage estimates', 8192)),
  bytesStored: z.int().optional().meta(about('Bytes stored so far, or handed to the restore script', 1024)),
  sizeBytes: z.int().optional().meta(about('Backups: size of the stored object', 1024)),
  originalSizeBytes: z.int().optional().meta(about('Backups: size before compression and encryption', 4096)),
  sha256: z.string().optional().meta(about('Backups: digest of the stored object, in hex', checksum)),
  restorePointId: idSchema.optional().meta(about('Restores, verifications and drills: what is read', EXAMPLE_ID)),
  verified: z
    .enum(verificationStates)
    .optional()
    .meta(about('Verifications: the result; absent if the object could not be read', 'intact')),
  drill: partDrillSchema.optional().meta({ description: 'Drills: what was found out' }),
  objectName: z
    .string()
    .optional()
    .meta(about('Name of the object in the destination', `${EXAMPLE_ID}/2026_03_01_02_00_10.0.0.5_shop.dump.zst`)),
  startedAt: instantSchema.optional().meta(about('When the agent began', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When the agent ended', EXAMPLE_INSTANT)),
})
export type JobPart = z.infer<typeof jobPartSchema>

/** A run of a plan, a restore, a verification of a restore point, or a drill. */
export const jobSchema = z.object({
  id: idSchema.meta(about('Id of the job', EXAMPLE_ID)),
  kind: z.enum(jobKinds).meta(about('What it does', 'backup')),
  state: stateSchema,
  instanceId: idSchema.meta(
    about('The instance that is dumped or written; verifications and drills: the one that was dumped', 'shop-db'),
  ),
  planId: idSchema.optional().meta(about('Its plan; absent once the plan was deleted', EXAMPLE_ID)),
  destinationId: idSchema.meta(about('Where it stores to, or reads from', EXAMPLE_ID)),
  sourceJobId: idSchema
    .optional()
    .meta(about('Restores and verifications: the backup job whose restore points are read', EXAMPLE_ID)),
  drillId: idSchema.optional().meta(about('Restores: the drill that it belongs to', EXAMPLE_ID)),
  drill: jobDrillSchema.optional().meta({ description: 'Drills: what it does, and did' }),
  samplePercent: z.int().optional().meta(about('Verifications of a sample: percentage of the object that is read', 5)),
  dueAt: instantSchema.optional().meta(about('When it was due', EXAMPLE_INSTANT)),
  late: z.boolean().meta(about('Whether it was started late, after an outage', false)),
  attempt: z.int().min(1).meta(about('Which attempt of its run it is; 1 for the first', 1)),
  previousAttemptId: idSchema.optional().meta(about('The attempt before it, which failed', EXAMPLE_ID)),
  nextAttemptId: idSchema.optional().meta(about('The attempt after it', EXAMPLE_ID)),
  nextAttemptAt: instantSchema.optional().meta(about('When the items that failed are retried', EXAMPLE_INSTANT)),
  createdAt: instantSchema.meta(about('When it was queued', EXAMPLE_INSTANT)),
  startedAt: instantSchema.optional().meta(about('When it began to run; absent while it is queued', EXAMPLE_INSTANT)),
  endedAt: instantSchema.optional().meta(about('When it ended', '2026-03-01T02:00:42.000Z')),
  durationSeconds: z.number().optional().meta(about('From when it began to run until it ended', 32)),
  cancellation: z
    .object({
      requestedAt: instantSchema.meta(about('When', EXAMPLE_INSTANT)),
      requestedBy: z.string().meta(about('Who', 'the token of the night shift')),
    })
    .optional()
    .meta({ description: 'Its cancellation was requested' }),
  parts: z.array(jobPartSchema).meta({ description: 'One for each item' }),
})
export type Job = z.infer<typeof jobSchema>

/** `GET /v1/jobs`. */
export const jobQuerySchema = z.strictObject({
  ...pagingFields,
  ...filterFields,
  kind: z.enum(jobKinds).optional().meta(about('Only jobs of this kind', 'backup')),
  state: z.enum(jobStates).optional().meta(about('Only jobs in this state', 'failed')),
  q: searchField('the beginning of the id, the instance or the name of the plan'),
})
export type JobQuery = z.input<typeof jobQuerySchema>

/** What a script printed, in one stage of one part. */
export const jobLogSchema = z.object({
  item: z.string().meta(about('The item', 'shop')),
  stage: z.string().meta(about('The stage', 'backup')),
  stream: z.enum(['stdout', 'stderr']).meta(about('The stream', 'stderr')),
  text: z
    .string()
    .meta(about('What was printed; long output is shortened in the middle', 'pg_dump: dumping table orders')),
})
export type JobLog = z.infer<typeof jobLogSchema>

/** `GET /v1/jobs/{id}/logs`. */
export const jobLogsSchema = z.object({
  items: z.array(jobLogSchema).meta({ description: 'In the order of parts and stages' }),
})
export type JobLogs = z.infer<typeof jobLogsSchema>
