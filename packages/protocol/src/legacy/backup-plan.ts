import { z } from 'zod'
import { about } from '../about.ts'
import { itemSchema } from '../item.ts'
import { compressionAlgorithms } from '../transforms.ts'
import { fileDestinationSchema } from './file-destination.ts'
import { lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'
import { sentServiceInstanceRequestSchema, serviceInstanceSchema } from './service-instance.ts'

export const retentionStyles = ['FILES', 'HOURS', 'DAYS', 'ALL'] as const
export type RetentionStyle = (typeof retentionStyles)[number]

/**
 * A backup plan as clients send it, whole. `frequency` is a cron expression of five or six fields (seconds
 * first), read in `timezone` (IANA name). `publicKey` is one or several age recipients, or a key that only the
 * scripts understand. An absent or masked `privateKey` keeps the stored one.
 */
export const backupPlanRequestSchema = z.object({
  id: optionalText(100).meta({ description: 'Id' }),
  name: z.string().min(1).max(200).meta(about('Name for people', 'nightly')),
  serviceInstance: sentServiceInstanceRequestSchema,
  fileDestination: z.object({ id: z.string().min(1).max(100).meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')) }),
  paused: optional(lenientBoolean).meta(about('Whether its schedule is paused', false)),
  compression: optional(lenientBoolean).meta(about('Whether dumps are compressed', true)),
  /** Additive: zstd by default; and one of its levels, absent for the format's own. */
  compressionAlgorithm: optional(z.enum(compressionAlgorithms)).meta(about('Algorithm', 'zstd')),
  compressionLevel: optional(lenientInteger(1, 19)).meta(about('Level; absent for the default', 3)),
  frequency: z.string().min(1).max(200).meta(about('Cron expression, seconds first', '0 0 2 * * *')),
  timezone: optionalText(100).meta(about('IANA time zone of the schedule', 'Europe/Berlin')),
  retentionStyle: z.enum(retentionStyles).meta(about('What is kept', 'DAYS')),
  retentionPeriod: optional(lenientInteger(1, 100_000)).meta(about('Number of files, hours or days', 14)),
  items: z
    .array(itemSchema)
    .min(1)
    .max(500)
    .meta(about('Databases', ['shop'])),
  privateKey: optionalText(20_000).meta({
    description: 'Key that decrypts; empty if there is none, masked in responses',
  }),
  publicKey: optionalText(20_000).meta({ description: 'age recipients; empty if there are none' }),
})
export type BackupPlanRequest = z.infer<typeof backupPlanRequestSchema>

/** A backup plan in an answer. */
export const backupPlanSchema = z.object({
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  idAsString: z
    .string()
    .meta(about('The same id, for a client that reads only this field', '69a3a7c0f1d2b3c4d5e6f708')),
  name: z.string().meta(about('Name for people', 'nightly')),
  serviceInstance: serviceInstanceSchema,
  fileDestination: fileDestinationSchema,
  paused: z.boolean().meta(about('Whether its schedule is paused', false)),
  compression: z.boolean().meta(about('Whether dumps are compressed', true)),
  compressionAlgorithm: z.enum(compressionAlgorithms).meta(about('Algorithm', 'zstd')),
  compressionLevel: z.int().optional().meta(about('Level; absent for the default', 3)),
  frequency: z.string().meta(about('Cron expression, seconds first', '0 0 2 * * *')),
  timezone: z.string().meta(about('IANA time zone of the schedule', 'Europe/Berlin')),
  retentionStyle: z.enum(retentionStyles).meta(about('What is kept', 'DAYS')),
  retentionPeriod: z.int().meta(about('Number of files, hours or days', 14)),
  items: z.array(z.string()).meta(about('Databases', ['shop'])),
  privateKey: z.string().meta(about('Key that decrypts; empty if there is none, masked in responses', 'none')),
  publicKey: z.string().meta(about('age recipients; empty if there are none', 'none')),
  /** Additive: when it runs next; absent while it is paused. */
  nextRunAt: z.string().optional().meta(about('When it runs next', '2026-03-01T02:00:00.000+00:00')),
  /** Additive: a change of retention deletes nothing before this; absent once it has passed. */
  retentionCountsFrom: z
    .string()
    .optional()
    .meta(about('A change of retention deletes nothing before', '2026-03-01T02:00:00.000+00:00')),
})
export type BackupPlan = z.infer<typeof backupPlanSchema>

/** `POST /backupPlans/{id}/keys`: makes a pair of age keys for a plan. */
export const planKeysRequestSchema = z.object({
  /** Whether the manager keeps the private key, to restore by itself. Otherwise only the answer contains it. */
  keepPrivateKey: lenientBoolean.meta(about('Whether the manager keeps the private key', true)),
})
export type PlanKeysRequest = z.infer<typeof planKeysRequestSchema>

/** Answer to it: the only one that ever shows the private key. The plan encrypts to the public key from now on. */
export const planKeysSchema = z.object({
  publicKey: z.string().meta(about('age recipients; empty if there are none', 'none')),
  privateKey: z.string().meta(about('Key that decrypts; empty if there is none, masked in responses', 'none')),
  kept: z.boolean().meta(about('Whether it is kept', true)),
})
export type PlanKeys = z.infer<typeof planKeysSchema>
