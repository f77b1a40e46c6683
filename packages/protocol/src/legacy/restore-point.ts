import { z } from 'zod'
import { warningSchema } from '../warning.ts'
import { restoreJobSchema } from './job.ts'
import { optional, optionalText } from './lenient.ts'
import { scriptParametersSchema, serviceInstanceReferenceSchema } from './service-instance.ts'

/** Why an object is removed: retention, somebody asked for it, its plan was deleted with its files, or its instance was. */
export const removalReasons = ['RETENTION', 'REQUESTED', 'PLAN_DELETED', 'DEPROVISIONED'] as const
export type RemovalReason = (typeof removalReasons)[number]

/** What a succeeded part of a backup job left in a destination: one object. */
export const restorePointSchema = z.object({
  id: z.string(),
  service_instance_id: z.string(),
  backupPlanId: z.string(),
  backupJobId: z.string(),
  fileDestinationId: z.string(),
  item: z.string(),
  /** The object's name in its destination is prefix and filename. */
  filenamePrefix: z.string(),
  filename: z.string(),
  takenAt: z.string(),
  sizeBytes: z.number(),
  /** Hex. Absent where an agent of the old kind did not say; then the object cannot be verified but for its size. */
  sha256: z.string().optional(),
  originalSizeBytes: z.number().optional(),
  compression: z.enum(['none', 'gzip', 'zstd']),
  encrypted: z.boolean(),
  /** The age recipients it was encrypted for. */
  recipients: z.array(z.string()),
  /** The dump was stored whole, but its part failed later, at cleanup or unlock. */
  afterFailure: z.boolean(),
  /** A held point is never swept, and not deleted. */
  held: z.boolean(),
  /** What the scripts warned of: what a restore will need, and what the backup does not contain. */
  warnings: z.array(warningSchema),
  /** What the last verification found: the object was read back, and was as recorded, another one, or not there. */
  verification: z.object({ at: z.string(), state: z.enum(['intact', 'damaged', 'missing']) }).optional(),
  /** The object is being removed; tried again until it is gone, and then the point is gone too. */
  removal: z
    .object({
      requestedAt: z.string(),
      reason: z.enum(removalReasons),
      attempts: z.int(),
      nextAttemptAt: z.string(),
      /** Why the last attempt failed. */
      error: z.string().optional(),
    })
    .optional(),
})
export type RestorePoint = z.infer<typeof restorePointSchema>

/** `POST /restorePoints/{id}/restore`: to the same or another instance, under the same or another database name. */
export const restorePointStartSchema = z.object({
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  database: optionalText(200),
  /** Opens what was encrypted; used for this run alone. */
  privateKey: optionalText(20_000),
  /** Handed to the scripts of this run, before those of the service instance. */
  parameters: optional(scriptParametersSchema),
})
export type RestorePointStart = z.infer<typeof restorePointStartSchema>

/** Answer to it. */
export const restorePointStartedSchema = z.object({ restoreJob: restoreJobSchema })
