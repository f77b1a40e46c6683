import { about, EXAMPLE_ID, EXAMPLE_INSTANT } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { instanceParams } from './schemas.ts'

/** What the backup extension reads and answers. Its names are spelt as those of the Open Service Broker API. */
const id = z.string().min(1).max(1000)
const instant = z.iso.datetime().meta(about('RFC 3339, in UTC', EXAMPLE_INSTANT))

export const backupParams = instanceParams.extend({ backup_id: id })
export const operationParams = instanceParams.extend({ operation_id: id })

export const backupQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).optional().meta(about('How many are listed; 50 by default', 50)),
  cursor: z.string().max(1000).optional().meta(about('The `next_cursor` of the page before', 'WyI0MiJd')),
  item: z.string().max(200).optional().meta(about('Only backups of this database', 'shop')),
})

export const backupSchema = z.object({
  id: z.string().meta(about('Id of the backup', EXAMPLE_ID)),
  item: z.string().meta(about('The database that it contains', 'shop')),
  service_instance: z.string().meta(about('The service instance that it was taken of', 'shop-db')),
  plan_id: z.string().meta(about('The backup plan that it was taken by', EXAMPLE_ID)),
  operation: z.string().meta(about('The operation that took it', EXAMPLE_ID)),
  created_at: instant.meta(about('When it was taken', EXAMPLE_INSTANT)),
  size_bytes: z.int().meta(about('Size of what is stored', 1_048_576)),
  sha256: z
    .string()
    .optional()
    .meta(about('SHA-256 of what is stored, in hex', 'ab'.repeat(32))),
  encrypted: z.boolean().meta(about('Whether it is encrypted', false)),
  complete: z.boolean().meta(about('Whether the backup that took it succeeded as a whole', true)),
  held: z.boolean().meta(about('Whether it is held: nothing deletes it', false)),
  deleting: z.boolean().meta(about('Whether it is going to be deleted', false)),
})
export const backupListSchema = z.object({
  backups: z.array(backupSchema).meta({ description: 'One page, newest first' }),
  next_cursor: z.string().optional().meta(about('Leads to the next page; absent on the last one', 'WyI0MiJd')),
})

export const createBody = z
  .object({ plan_id: id.optional().meta(about('The backup plan to run, where there are several', EXAMPLE_ID)) })
  .default({})

export const restoreBody = z
  .object({
    database: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta(about('The database to restore into; the one that was backed up by default', 'shop')),
    service_instance: id
      .optional()
      .meta(
        about('The service instance to restore into, which the user may change; the same one by default', 'shop-db-2'),
      ),
  })
  .default({})

export const startedSchema = z.object({ operation: z.string().meta(about('What to poll', EXAMPLE_ID)) })

export const operationSchema = z.object({
  id: z.string().meta(about('Id of the operation', EXAMPLE_ID)),
  type: z.enum(['backup', 'restore', 'verify']).meta(about('What it does', 'backup')),
  state: z.enum(['in progress', 'succeeded', 'failed']).meta(about('How far it is', 'succeeded')),
  description: z.string().optional().meta(about('Why it failed, for people', 'shop: pg_dump exited with 1')),
  created_at: instant.meta(about('When it was requested', EXAMPLE_INSTANT)),
  ended_at: instant.optional().meta(about('When it ended', EXAMPLE_INSTANT)),
})

export const scheduleSchema = z.object({
  cron: z.string().meta(about('Cron expression of five fields, or of six with seconds first', '0 0 2 * * *')),
  timezone: z.string().meta(about('IANA name of the time zone that it is read in', 'Europe/Berlin')),
  paused: z.boolean().meta(about('Whether scheduled backups are paused', false)),
  next_run_at: instant.optional().meta(about('When the next backup is taken', EXAMPLE_INSTANT)),
})
export const scheduleBody = scheduleSchema.omit({ next_run_at: true }).partial()
export const errorSchema = z.object({
  error: z.string().optional().meta(about('A word for programs', 'ConcurrencyError')),
  description: z.string().meta(about('A sentence for people', 'There is no such backup.')),
})
