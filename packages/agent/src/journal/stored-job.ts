import { err, ok, type Result } from '@osb-backup/core'
import {
  agentCheckResultSchema,
  agentFailureCodes,
  agentTransformsSchema,
  backupStages,
  checkKinds,
  restoreStages,
  warningSchema,
} from '@osb-backup/protocol'
import { stores } from '@osb-backup/storage/kinds'
import { z } from 'zod'
import type { JobRecord } from '../jobs/job-record.ts'
import { withoutSecrets } from '../jobs/job-request.ts'
import { pendingSteps } from '../jobs/pending-steps.ts'

const instant = z.iso.datetime().transform((text) => new Date(text))
const step = z.enum([...backupStages, ...restoreStages, 'upload', 'download'])
const whole = z.number().int().nonnegative()

const named = z.object({ id: z.string().exactOptional(), name: z.string().exactOptional() }).exactOptional()

const request = z.object({
  kind: z.enum(['backup', 'restore']),
  id: z.string().min(1),
  pack: z.string().exactOptional(),
  compress: z.boolean(),
  compressor: z
    .object({ algorithm: z.enum(['gzip', 'zstd']), level: z.number().exactOptional() })
    .default({ algorithm: 'zstd' }),
  encryptionKey: z.string(),
  recoveryRecipients: z.array(z.string()).default([]),
  destinationType: z.string(),
  skipStorage: z.boolean().default(false),
  store: stores.settingsSchema,
  bandwidthBytesPerSecond: z.number().exactOptional(),
  namePrefix: z.string(),
  objectName: z.string().exactOptional(),
  database: z.object({
    host: z.string(),
    port: z.number().exactOptional(),
    username: z.string(),
    password: z.string(),
    backupUsername: z.string().exactOptional(),
    backupPassword: z.string().exactOptional(),
    name: z.string(),
  }),
  parameters: z.array(z.object({ name: z.string(), value: z.string() })),
  stageTimeLimitMs: z.number().exactOptional(),
  source: z
    .object({
      filename: z.string(),
      transforms: agentTransformsSchema.exactOptional(),
      sizeBytes: whole.exactOptional(),
      sha256: z.string().exactOptional(),
      root: z.string().exactOptional(),
    })
    .exactOptional(),
  drill: z
    .object({
      checks: z.array(z.object({ name: z.string(), kind: z.enum(checkKinds), statement: z.string().exactOptional() })),
      isDropped: z.boolean(),
    })
    .exactOptional(),
  instance: named,
  plan: named,
  traceparent: z.string().exactOptional(),
})

const stored = z.object({
  filename: z.string(),
  sizeBytes: whole,
  sha256: z.string(),
  root: z.string().exactOptional(),
  originalSizeBytes: whole.exactOptional(),
  originalSha256: z.string().exactOptional(),
  transforms: agentTransformsSchema.exactOptional(),
})

/** The format of a job's file. A version of the agent that changes it increases the number. */
const jobSchema = z.object({
  version: z.literal(1),
  request,
  form: z.union([z.literal(1), z.literal(2)]),
  startedAt: instant,
  endedAt: instant.exactOptional(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED']),
  steps: z.array(
    z.object({
      step,
      startedAt: instant.exactOptional(),
      endedAt: instant.exactOptional(),
      ok: z.boolean().exactOptional(),
      isSkipped: z.boolean().exactOptional(),
      attempt: whole.exactOptional(),
      isInterrupted: z.boolean().exactOptional(),
      problem: z.string().exactOptional(),
      failureCode: z.enum(agentFailureCodes).exactOptional(),
      stdout: z.string(),
      stderr: z.string(),
    }),
  ),
  problem: z.string().exactOptional(),
  failureCode: z.enum(agentFailureCodes).exactOptional(),
  stored: stored.exactOptional(),
  progress: z.object({ bytesRead: whole, bytesStored: whole }),
  expectedBytes: whole.exactOptional(),
  warnings: z.array(warningSchema).default([]),
  checks: z.array(agentCheckResultSchema).exactOptional(),
  isDeleted: z.boolean().exactOptional(),
  ownScripts: z.array(step).exactOptional(),
  lockedSince: instant.exactOptional(),
  markedUnlockedAt: instant.exactOptional(),
  process: z
    .object({
      pid: z.number().int().positive(),
      startTicks: z.string().exactOptional(),
      bootId: z.string().exactOptional(),
    })
    .exactOptional(),
  upload: z
    .object({
      name: z.string(),
      beganAt: instant,
      id: z.string().exactOptional(),
      expected: z
        .object({ sizeBytes: whole, tag: z.string().exactOptional(), modifiedAt: instant.exactOptional() })
        .exactOptional(),
    })
    .exactOptional(),
  downloadPath: z.string().exactOptional(),
  incompleteUpload: z.string().exactOptional(),
})

/**
 * Serializes a job. A running job includes its secrets: a restarted agent needs them to unlock the database and to
 * remove an incomplete upload. So does a finished one whose cleanup or unlock is still retried; another one has none,
 * except those of a store in which an upload may be left.
 */
export function serializeJob(record: JobRecord): string {
  const isOver = record.status !== 'RUNNING' && pendingSteps(record).length === 0
  const request = isOver ? withoutSecrets(record.request, record.incompleteUpload !== undefined) : record.request
  return JSON.stringify({ version: 1, ...record, request })
}

/** The same without the output of scripts: small enough for the space that was reserved. */
export function serializeShortened(record: JobRecord): string {
  return serializeJob({ ...record, steps: record.steps.map((step) => ({ ...step, stdout: '', stderr: '' })) })
}

/** Parses what `serializeJob` wrote. The error quotes nothing of the text. */
export function parseJob(text: string): Result<JobRecord> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return err('it is not valid JSON')
  }
  const result = jobSchema.safeParse(json)
  if (result.success) {
    const { version: _known, ...record } = result.data
    return ok(record)
  }
  return err(`its field ${result.error.issues[0]?.path.join('.') || '(root)'} is not valid`)
}
