import { z } from 'zod'
import { about } from '../about.ts'
import { filesizeSchema, progressSchema } from '../agent/job.ts'
import { backupStages, publishedRestoreStages, type Stage, stageLogField } from '../stage.ts'
import { warningSchema } from '../warning.ts'
import { backupPlanSchema } from './backup-plan.ts'
import { fileDestinationSchema } from './file-destination.ts'
import { jobStatuses } from './job-status.ts'
import { optional, optionalText } from './lenient.ts'
import { scriptParametersSchema, sentServiceInstanceRequestSchema, serviceInstanceSchema } from './service-instance.ts'

const nullableText = z.string().nullable()

type Underscored<S extends string> = S extends `${infer Head}-${infer Rest}` ? `${Head}_${Underscored<Rest>}` : S
type LogFields<S extends Stage> = Record<`${Underscored<S>}_${'log' | 'errorlog'}`, typeof nullableText>

/** What the script of each stage printed: `pre_backup_lock_log`, `pre_backup_lock_errorlog`, … */
function logFields<S extends Stage>(stages: readonly S[]): LogFields<S> {
  const names = stages.flatMap((stage) => [stageLogField(stage, 'log'), stageLogField(stage, 'errorlog')])
  return Object.fromEntries(
    names.map((name) => [name, nullableText.meta(about('What the script printed', null))]),
  ) as LogFields<S>
}

const partFields = {
  status: z.enum(jobStatuses).meta(about('State', 'SUCCEEDED')),
  message: nullableText.meta(about('What happened, for people', 'backup successfully carried out')),
  error_message: nullableText.meta(about('Why it failed', null)),
  start_time: nullableText.meta(about('When it began', '2026-03-01T02:00:00.000+00:00')),
  end_time: nullableText.meta(about('When it ended', '2026-03-01T02:00:00.000+00:00')),
  execution_time_ms: z.number().nullable().meta(about('Duration', 42000)),
  /** Additive: the stage that runs now, the stage that failed, and the bytes moved so far. */
  state: nullableText.meta(about('Stage that runs', 'finished')),
  failed_stage: nullableText.meta(about('Stage that failed', null)),
  progress: progressSchema.nullable(),
  /** Additive: what the scripts warned of. */
  warnings: z.array(warningSchema),
}

/** One part of a backup job: what the agent said of one item. Nulls are emitted, as existing clients expect. */
export const backupPartSchema = z
  .object({
    ...partFields,
    filenamePrefix: nullableText.meta(about("Prefix of the object's name", '69a3a7c0f1d2b3c4d5e6f708/')),
    filename: nullableText.meta(about('Name of the file', '10.0.0.5_2026_03_01_shop.dump.zst')),
    filesize: filesizeSchema.nullable(),
    /** Additive: SHA-256 (hex) of the stored object, and the size before compression and encryption. */
    sha256: nullableText.meta(
      about('SHA-256 in hex', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'),
    ),
    original_filesize: filesizeSchema.nullable(),
  })
  .extend(logFields(backupStages))
export type BackupPart = z.infer<typeof backupPartSchema>

/** One part of a restore job. */
export const restorePartSchema = z.object(partFields).extend(logFields(publishedRestoreStages))
export type RestorePart = z.infer<typeof restorePartSchema>

const jobFields = {
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  idAsString: z
    .string()
    .meta(about('The same id, for a client that reads only this field', '69a3a7c0f1d2b3c4d5e6f708')),
  startDate: z.string().meta(about('When it was queued', '2026-03-01T02:00:00.000+00:00')),
  endDate: z.string().optional().meta(about('When it ended', '2026-03-01T02:00:00.000+00:00')),
  serviceInstance: serviceInstanceSchema,
  status: z.enum(jobStatuses).meta(about('State', 'SUCCEEDED')),
  jobLogs: z.array(z.unknown()).meta(about('Always empty', [])),
  /** Null or absent: the plan was deleted. */
  backupPlan: backupPlanSchema.optional(),
  /** Additive: when a schedule wanted it to run, and whether it began late, after an outage. */
  dueDate: z.string().optional().meta(about('When it was due', '2026-03-01T02:00:00.000+00:00')),
  late: z.boolean().optional().meta(about('Whether it was started late, after an outage', true)),
  /** Additive: it was cancelled, and may not have ended yet. */
  cancellation: z
    .object({
      at: z.string().meta(about('When', '2026-03-01T02:00:00.000+00:00')),
      by: z.string().meta(about('Who', 'the token of the night shift')),
    })
    .optional(),
}

/** A backup job in an answer; `files` maps each item to the name of its stored file. (`Reponses` is the wire's.) */
export const backupJobSchema = z.object({
  jobType: z.literal('BACKUP').meta(about('Kind of the job', 'BACKUP')),
  ...jobFields,
  destination: fileDestinationSchema.optional(),
  agentExecutionReponses: z.record(z.string(), backupPartSchema),
  files: z
    .record(z.string(), z.string())
    .meta(about('Name of the stored file, by item', { shop: '10.0.0.5_2026_03_01_shop.dump.zst' })),
})
export type BackupJob = z.infer<typeof backupJobSchema>

/** A restore job in an answer. */
export const restoreJobSchema = z.object({
  jobType: z.literal('RESTORE').meta(about('Kind of the job', 'RESTORE')),
  ...jobFields,
  agentExecutionReponses: z.record(z.string(), restorePartSchema),
})
export type RestoreJob = z.infer<typeof restoreJobSchema>

export const jobSchema = z.discriminatedUnion('jobType', [backupJobSchema, restoreJobSchema])
export type Job = z.infer<typeof jobSchema>

/** `POST /backup`: the whole plan comes along, its id is what counts. */
export const backupStartSchema = z.object({
  backupPlan: z.object({ id: z.string().min(1).max(100).meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')) }),
})
export type BackupStart = z.infer<typeof backupStartSchema>

/**
 * `POST /restore`: the whole backup job comes along, its id is what counts. Additive: `serviceInstance` restores
 * to another instance than the backup came from; an item's `database` restores under another database name; and
 * `privateKey` opens what was sealed for it, used for this run alone.
 */
export const restoreStartSchema = z.object({
  backupJob: z.object({ id: z.string().min(1).max(100).meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')) }),
  items: z
    .array(
      z.object({
        item: z.string().min(1).max(200).meta(about('Database', 'shop')),
        filename: optionalText(1000).meta({ description: 'Name of the file' }),
        database: optionalText(200).meta(about('Database', 'shop_restored')),
      }),
    )
    .min(1)
    .max(500),
  serviceInstance: sentServiceInstanceRequestSchema.optional(),
  privateKey: optionalText(20_000).meta({
    description: 'Key that decrypts; empty if there is none, masked in responses',
  }),
  /** Additive: handed to the scripts of this run, before those of the service instance. */
  parameters: optional(scriptParametersSchema),
})
export type RestoreStart = z.infer<typeof restoreStartSchema>

/** Answer to `POST /backup`: the plan as it is stored, and the job that was started (additive). */
export const backupStartedSchema = z.object({ backupPlan: backupPlanSchema.optional(), backupJob: backupJobSchema })

/** Answer to `POST /restore`: what was asked for, and the job that was started (additive). */
export const restoreStartedSchema = z.object({
  backupJob: backupJobSchema,
  items: z.array(
    z.object({
      item: z.string().meta(about('Database', 'shop')),
      filename: z.string().optional().meta(about('Name of the file', '10.0.0.5_2026_03_01_shop.dump.zst')),
      database: z.string().optional().meta(about('Database', 'shop_restored')),
    }),
  ),
  restoreJob: restoreJobSchema,
})
