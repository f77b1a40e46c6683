import { z } from 'zod'
import { verificationStates, warningsField } from './jobs.ts'
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

/** What a succeeded part of a backup job left: one object. */
export const restorePointSchema = z.object({
  id: idSchema.meta(about('Id of the restore point', EXAMPLE_ID)),
  instanceId: idSchema.meta(about('Its service instance', 'shop-db')),
  planId: idSchema.meta(about('Its plan, which may have been deleted', EXAMPLE_ID)),
  jobId: idSchema.meta(about('The backup job that created it, which may have been deleted', EXAMPLE_ID)),
  destinationId: idSchema.meta(about('Where it is stored', EXAMPLE_ID)),
  item: z.string().meta(about('The database', 'shop')),
  objectName: z
    .string()
    .meta(about('Name of the object in the destination', `${EXAMPLE_ID}/2026_03_01_02_00_10.0.0.5_shop.dump.zst`)),
  takenAt: instantSchema.meta(about('When it was taken', EXAMPLE_INSTANT)),
  sizeBytes: z.int().meta(about('Size of the object', 1024)),
  sha256: z
    .string()
    .optional()
    .meta(
      about(
        'Digest of the object, in hex; absent where an old agent reported none',
        '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ),
    ),
  root: z
    .string()
    .optional()
    .meta(
      about(
        'Digest of the manifest, in hex, which has the digests of all chunks of the object; absent for older agents',
        '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
      ),
    ),
  originalSizeBytes: z.int().optional().meta(about('Size before compression and encryption', 4096)),
  transformedBy: z
    .enum(['agent', 'script'])
    .meta(about('Who compresses and encrypts: the agent, or its scripts in their own way', 'agent')),
  compressionRequested: z
    .boolean()
    .meta(about("The plan's compression, as the scripts were given it; a restore gives them the same", true)),
  compression: z.enum(['none', 'gzip', 'zstd']).meta(about('How the agent has compressed it', 'zstd')),
  encrypted: z.boolean().meta(about('Whether the agent encrypted it with age, or its scripts were given a key', true)),
  recipients: z
    .array(z.string())
    .meta(
      about('The age recipients that the agent encrypted it for', [
        'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kdxdpuxlq8qdk2',
      ]),
    ),
  warnings: warningsField,
  afterFailure: z
    .boolean()
    .meta(about('Whether its part failed after the dump was stored, at cleanup or unlock', false)),
  held: z.boolean().meta(about('Whether it is neither expired nor deleted', false)),
  suspicious: z
    .boolean()
    .meta(
      about(
        'Whether it is so much smaller than earlier ones that it does not count as a backup until it is confirmed',
        false,
      ),
    ),
  usualSizeBytes: z
    .int()
    .optional()
    .meta(about('If its size was suspicious: the median size that it was compared with', 1_048_576)),
  confirmation: z
    .object({
      confirmedAt: instantSchema.meta(about('When', EXAMPLE_INSTANT)),
      confirmedBy: z.string().meta(about('Who', 'ada')),
    })
    .optional()
    .meta({ description: 'A user confirmed that its size is right' }),
  verification: z
    .object({
      state: z.enum(verificationStates).meta(about('What was found', 'intact')),
      verifiedAt: instantSchema.meta(about('When it was read back', EXAMPLE_INSTANT)),
    })
    .optional()
    .meta({ description: 'What the last verification found' }),
  deletion: z
    .object({
      requestedAt: instantSchema.meta(about('Since when', EXAMPLE_INSTANT)),
      reason: z.enum(['retention', 'requested', 'plan-deleted', 'deprovisioned']).meta(about('Why', 'retention')),
      attempts: z.int().meta(about('Number of attempts', 1)),
      nextAttemptAt: instantSchema.meta(
        about('When it is tried, or tried again; before the first attempt it can be undeleted', EXAMPLE_INSTANT),
      ),
      error: z.string().optional().meta(about('Why the last attempt failed', 's3://backups cannot be reached.')),
      lockedUntil: instantSchema
        .optional()
        .meta(
          about(
            'When the lock ends with which the store protects the object: there is no attempt before',
            EXAMPLE_INSTANT,
          ),
        ),
    })
    .optional()
    .meta({ description: 'Its object is being deleted; the restore point disappears with it' }),
})
export type RestorePoint = z.infer<typeof restorePointSchema>

/** `POST /v1/restore-points/{id}/verify`. */
export const verifyQuerySchema = z.strictObject({
  sample: z.coerce
    .number()
    .pipe(z.int().min(1).max(100))
    .optional()
    .meta(about('Percentage of the object to read, in chunks chosen at random; 100 by default', 5)),
})
export type VerifyQuery = z.input<typeof verifyQuerySchema>

/** `DELETE /v1/restore-points/{id}`. */
export const restorePointDeleteQuerySchema = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta(
      about(
        'For admins: delete the record at once if the host, bucket or container of its object does not exist',
        'true',
      ),
    ),
})

const position = (description: string, example: number) =>
  z.coerce.number().pipe(z.int().min(0).max(Number.MAX_SAFE_INTEGER)).optional().meta(about(description, example))

/** `GET /v1/restore-points/{id}/object`. */
export const objectQuerySchema = z.strictObject({
  file: z
    .enum(['object', 'manifest'])
    .optional()
    .meta(about('The object, or its manifest, which has the digests of its chunks; `object` by default', 'object')),
  from: position('The first byte to read; 0 by default', 0),
  end: position('The byte after the last one to read; the end of the file by default', 8_388_608),
})
export type ObjectQuery = z.input<typeof objectQuerySchema>

/** `GET /v1/restore-points`. */
export const restorePointQuerySchema = z.strictObject({
  ...pagingFields,
  ...filterFields,
  job: idSchema.optional().meta(about('Only restore points of this backup job', EXAMPLE_ID)),
  destination: idSchema.optional().meta(about('Only what is stored in this destination', EXAMPLE_ID)),
  state: z
    .enum(verificationStates)
    .optional()
    .meta(about('Only those with this result of the last verification', 'damaged')),
  held: z.enum(['true', 'false']).optional().meta(about('Only those on hold (`true`) or not (`false`)', 'true')),
  suspicious: z
    .enum(['true', 'false'])
    .optional()
    .meta(about('Only those whose size is suspicious (`true`) or not (`false`)', 'true')),
  deleting: z
    .enum(['true', 'false'])
    .optional()
    .meta(about('Only those whose object is being deleted (`true`) or not (`false`)', 'true')),
  q: searchField('the beginning of the id, the name of the item or of the object'),
})
export type RestorePointQuery = z.input<typeof restorePointQuerySchema>

const parametersSchema = z
  .record(z.string().min(1).max(255), z.union([z.string().max(10_000), z.number(), z.boolean()]))
  .refine((parameters) => Object.keys(parameters).length <= 100, 'must have at most 100 parameters')

/** `POST /v1/restore-points/{id}/restore`. */
export const restoreRequestSchema = z.strictObject({
  instanceId: idSchema.optional().meta(about('The instance to restore to; its own by default', 'shop-db')),
  database: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta(about('The database to write; its own by default', 'shop_restored')),
  cancelBackups: z
    .boolean()
    .optional()
    .meta(about('Cancels backup jobs that work on the database; by default the restore waits for their end', false)),
  privateKey: z
    .string()
    .min(1)
    .max(20_000)
    .optional()
    .meta(about('Decrypts the object; used for this job only. Write-only', 'AGE-SECRET-KEY-1…')),
  parameters: parametersSchema
    .optional()
    .meta(about('Passed to the scripts of this job; they override those of the instance', { mode: 'in-place' })),
})
export type RestoreRequest = z.infer<typeof restoreRequestSchema>
