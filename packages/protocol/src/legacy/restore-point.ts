import { z } from 'zod'
import { about } from '../about.ts'
import { warningSchema } from '../warning.ts'
import { restoreJobSchema } from './job.ts'
import { optional, optionalText } from './lenient.ts'
import { scriptParametersSchema, serviceInstanceReferenceSchema } from './service-instance.ts'

/** Why an object is removed: retention, a request, its plan was deleted with its files, or its instance was. */
export const removalReasons = ['RETENTION', 'REQUESTED', 'PLAN_DELETED', 'DEPROVISIONED'] as const
export type RemovalReason = (typeof removalReasons)[number]

/** What a succeeded part of a backup job left in a destination: one object. */
export const restorePointSchema = z.object({
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  service_instance_id: z.string().meta(about('Id of the service instance', 'shop-db')),
  backupPlanId: z.string().meta(about('The backup plan', '69a3a7c0f1d2b3c4d5e6f708')),
  backupJobId: z.string().meta(about('The backup job', '69a3a7c0f1d2b3c4d5e6f708')),
  fileDestinationId: z.string().meta(about('The file destination', '69a3a7c0f1d2b3c4d5e6f708')),
  item: z.string().meta(about('Database', 'shop')),
  /** The object's name in its destination is prefix and filename. */
  filenamePrefix: z.string().meta(about("Prefix of the object's name", '69a3a7c0f1d2b3c4d5e6f708/')),
  filename: z.string().meta(about('Name of the file', '10.0.0.5_2026_03_01_shop.dump.zst')),
  takenAt: z.string().meta(about('When it was taken', '2026-03-01T02:00:00.000+00:00')),
  sizeBytes: z.number().meta(about('Size', 1024)),
  /** Hex. Absent where an agent of the old kind did not say; then the object cannot be verified but for its size. */
  sha256: z
    .string()
    .optional()
    .meta(about('SHA-256 in hex', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')),
  originalSizeBytes: z.number().optional().meta(about('Size before compression and encryption', 4096)),
  transformedBy: z
    .enum(['agent', 'script'])
    .meta(about('Who compresses and encrypts: the agent, or its scripts in their own way', 'agent')),
  compressionRequested: z.boolean().meta(about("The plan's compression, as the scripts were given it", true)),
  compression: z.enum(['none', 'gzip', 'zstd']).meta(about('How the agent has compressed it', 'zstd')),
  encrypted: z.boolean().meta(about('Whether the agent has encrypted it, or its scripts were given a key', true)),
  /** The age recipients that the agent encrypted it for. */
  recipients: z
    .array(z.string())
    .meta(
      about('age recipients that can decrypt it', ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdxdpuxlq8qdk2']),
    ),
  /** The dump was stored whole, but its part failed later, at cleanup or unlock. */
  afterFailure: z.boolean().meta(about('Whether its part failed after the dump was stored', false)),
  /** A held point is never swept, and not deleted. */
  held: z.boolean().meta(about('Whether it is neither expired nor deleted', false)),
  /** What the scripts warned of: what a restore will need, and what the backup does not contain. */
  warnings: z.array(warningSchema),
  /** What the last verification found: the object was read back, and was as recorded, another one, or not there. */
  verification: z
    .object({
      at: z.string().meta(about('When', '2026-03-01T02:00:00.000+00:00')),
      state: z.enum(['intact', 'damaged', 'missing']).meta(about('What was found', 'intact')),
    })
    .optional(),
  /** The object is being removed; tried again until it is gone, and then the point is gone too. */
  removal: z
    .object({
      requestedAt: z.string().meta(about('Since when', '2026-03-01T02:00:00.000+00:00')),
      reason: z.enum(removalReasons).meta(about('Why', 'RETENTION')),
      attempts: z.int().meta(about('Number of attempts', 1)),
      nextAttemptAt: z.string().meta(about('When it is retried', '2026-03-01T02:00:00.000+00:00')),
      /** Why the last attempt failed. */
      error: z.string().optional().meta(about('Why that failed', 's3://backups cannot be reached.')),
    })
    .optional(),
})
export type RestorePoint = z.infer<typeof restorePointSchema>

/** `POST /restorePoints/{id}/restore`: to the same or another instance, under the same or another database name. */
export const restorePointStartSchema = z.object({
  serviceInstance: serviceInstanceReferenceSchema.optional(),
  database: optionalText(200).meta(about('Database', 'shop_restored')),
  /** Opens what was encrypted; used for this run alone. */
  privateKey: optionalText(20_000).meta({
    description: 'Key that decrypts; empty if there is none, masked in responses',
  }),
  /** Handed to the scripts of this run, before those of the service instance. */
  parameters: optional(scriptParametersSchema),
})
export type RestorePointStart = z.infer<typeof restorePointStartSchema>

/** Answer to it. */
export const restorePointStartedSchema = z.object({ restoreJob: restoreJobSchema })
