import { z } from 'zod'
import { filesizeSchema, progressSchema } from '../agent/job.ts'
import { backupStages, restoreStages, type Stage, stageLogField } from '../stage.ts'
import { warningSchema } from '../warning.ts'
import { backupPlanSchema } from './backup-plan.ts'
import { fileDestinationSchema } from './file-destination.ts'
import { jobStatuses } from './job-status.ts'
import { optional, optionalText } from './lenient.ts'
import { scriptParametersSchema, serviceInstanceReferenceSchema, serviceInstanceSchema } from './service-instance.ts'

const nullableText = z.string().nullable()

type Underscored<S extends string> = S extends `${infer Head}-${infer Rest}` ? `${Head}_${Underscored<Rest>}` : S
type LogFields<S extends Stage> = Record<`${Underscored<S>}_${'log' | 'errorlog'}`, typeof nullableText>

/** What the script of each stage printed: `pre_backup_lock_log`, `pre_backup_lock_errorlog`, … */
function logFields<S extends Stage>(stages: readonly S[]): LogFields<S> {
  const names = stages.flatMap((stage) => [stageLogField(stage, 'log'), stageLogField(stage, 'errorlog')])
  return Object.fromEntries(names.map((name) => [name, nullableText])) as LogFields<S>
}

const partFields = {
  status: z.enum(jobStatuses),
  message: nullableText,
  error_message: nullableText,
  start_time: nullableText,
  end_time: nullableText,
  execution_time_ms: z.number().nullable(),
  /** Additive: the stage that runs now, the stage that failed, and the bytes moved so far. */
  state: nullableText,
  failed_stage: nullableText,
  progress: progressSchema.nullable(),
  /** Additive: what the scripts warned of. */
  warnings: z.array(warningSchema),
}

/** One part of a backup job: what the agent said of one item. Nulls are emitted, as existing clients expect. */
export const backupPartSchema = z
  .object({
    ...partFields,
    filenamePrefix: nullableText,
    filename: nullableText,
    filesize: filesizeSchema.nullable(),
    /** Additive: SHA-256 (hex) of the stored object, and the size before compression and encryption. */
    sha256: nullableText,
    original_filesize: filesizeSchema.nullable(),
  })
  .extend(logFields(backupStages))
export type BackupPart = z.infer<typeof backupPartSchema>

/** One part of a restore job. */
export const restorePartSchema = z.object(partFields).extend(logFields(restoreStages))
export type RestorePart = z.infer<typeof restorePartSchema>

const jobFields = {
  id: z.string(),
  idAsString: z.string(),
  startDate: z.string(),
  endDate: z.string().optional(),
  serviceInstance: serviceInstanceSchema,
  status: z.enum(jobStatuses),
  jobLogs: z.array(z.unknown()),
  /** Null or absent: the plan was deleted. */
  backupPlan: backupPlanSchema.optional(),
  /** Additive: when a schedule wanted it to run, and whether it began late, after an outage. */
  dueDate: z.string().optional(),
  late: z.boolean().optional(),
  /** Additive: somebody wants it to end. */
  cancellation: z.object({ at: z.string(), by: z.string() }).optional(),
}

/** A backup job in an answer; `files` maps each item to the name of its stored file. (`Reponses` is the wire's.) */
export const backupJobSchema = z.object({
  jobType: z.literal('BACKUP'),
  ...jobFields,
  destination: fileDestinationSchema.optional(),
  agentExecutionReponses: z.record(z.string(), backupPartSchema),
  files: z.record(z.string(), z.string()),
})
export type BackupJob = z.infer<typeof backupJobSchema>

/** A restore job in an answer. */
export const restoreJobSchema = z.object({
  jobType: z.literal('RESTORE'),
  ...jobFields,
  agentExecutionReponses: z.record(z.string(), restorePartSchema),
})
export type RestoreJob = z.infer<typeof restoreJobSchema>

export const jobSchema = z.discriminatedUnion('jobType', [backupJobSchema, restoreJobSchema])
export type Job = z.infer<typeof jobSchema>

/** `POST /backup`: the whole plan comes along, its id is what counts. */
export const backupStartSchema = z.object({ backupPlan: z.object({ id: z.string().min(1).max(100) }) })
export type BackupStart = z.infer<typeof backupStartSchema>

/**
 * `POST /restore`: the whole backup job comes along, its id is what counts. Additive: `serviceInstance` restores
 * to another instance than the backup came from; an item's `database` restores under another database name; and
 * `privateKey` opens what was sealed for it, used for this run alone.
 */
export const restoreStartSchema = z.object({
  backupJob: z.object({ id: z.string().min(1).max(100) }),
  items: z
    .array(
      z.object({
        item: z.string().min(1).max(200),
        filename: optionalText(1000),
        database: optionalText(200),
      }),
    )
    .min(1)
    .max(500),
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  privateKey: optionalText(20_000),
  /** Additive: handed to the scripts of this run, before those of the service instance. */
  parameters: optional(scriptParametersSchema),
})
export type RestoreStart = z.infer<typeof restoreStartSchema>

/** Answer to `POST /backup`: the plan as it is stored, and the job that was started (additive). */
export const backupStartedSchema = z.object({ backupPlan: backupPlanSchema.optional(), backupJob: backupJobSchema })

/** Answer to `POST /restore`: what was asked for, and the job that was started (additive). */
export const restoreStartedSchema = z.object({
  backupJob: backupJobSchema,
  items: z.array(z.object({ item: z.string(), filename: z.string().optional(), database: z.string().optional() })),
  restoreJob: restoreJobSchema,
})
