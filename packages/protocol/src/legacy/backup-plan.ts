import { z } from 'zod'
import { itemSchema } from '../item.ts'
import { compressionAlgorithms } from '../transforms.ts'
import { fileDestinationSchema } from './file-destination.ts'
import { lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'
import { serviceInstanceReferenceSchema, serviceInstanceSchema } from './service-instance.ts'

export const retentionStyles = ['FILES', 'HOURS', 'DAYS', 'ALL'] as const
export type RetentionStyle = (typeof retentionStyles)[number]

/**
 * A backup plan as clients send it, whole. `frequency` is a cron expression of five or six fields (seconds
 * first), read in `timezone` (IANA name). `publicKey` is one or several age recipients, or a key that only the
 * scripts understand. An absent or masked `privateKey` keeps the stored one.
 */
export const backupPlanRequestSchema = z.object({
  id: optionalText(100),
  name: z.string().min(1).max(200),
  serviceInstance: serviceInstanceReferenceSchema,
  fileDestination: z.object({ id: z.string().min(1).max(100) }),
  paused: optional(lenientBoolean),
  compression: optional(lenientBoolean),
  /** Additive: zstd unless told otherwise; and one of its levels, absent for the format's own. */
  compressionAlgorithm: optional(z.enum(compressionAlgorithms)),
  compressionLevel: optional(lenientInteger(1, 19)),
  frequency: z.string().min(1).max(200),
  timezone: optionalText(100),
  retentionStyle: z.enum(retentionStyles),
  retentionPeriod: optional(lenientInteger(1, 100_000)),
  items: z.array(itemSchema).min(1).max(500),
  privateKey: optionalText(20_000),
  publicKey: optionalText(20_000),
})
export type BackupPlanRequest = z.infer<typeof backupPlanRequestSchema>

/** A backup plan in an answer. */
export const backupPlanSchema = z.object({
  id: z.string(),
  idAsString: z.string(),
  name: z.string(),
  serviceInstance: serviceInstanceSchema,
  fileDestination: fileDestinationSchema,
  paused: z.boolean(),
  compression: z.boolean(),
  compressionAlgorithm: z.enum(compressionAlgorithms),
  compressionLevel: z.int().optional(),
  frequency: z.string(),
  timezone: z.string(),
  retentionStyle: z.enum(retentionStyles),
  retentionPeriod: z.int(),
  items: z.array(z.string()),
  privateKey: z.string(),
  publicKey: z.string(),
  /** Additive: when it runs next; absent while it is paused. */
  nextRunAt: z.string().optional(),
  /** Additive: a change of retention deletes nothing before this; absent once it has passed. */
  retentionCountsFrom: z.string().optional(),
})
export type BackupPlan = z.infer<typeof backupPlanSchema>

/** `POST /backupPlans/{id}/keys`: makes a pair of age keys for a plan. */
export const planKeysRequestSchema = z.object({
  /** Whether the manager keeps the private key, to restore by itself. Else nobody has it but who reads the answer. */
  keepPrivateKey: lenientBoolean,
})
export type PlanKeysRequest = z.infer<typeof planKeysRequestSchema>

/** Answer to it: the only one that ever shows the private key. The plan encrypts to the public key from now on. */
export const planKeysSchema = z.object({ publicKey: z.string(), privateKey: z.string(), kept: z.boolean() })
export type PlanKeys = z.infer<typeof planKeysSchema>
