import { z } from 'zod'
import { destinationFailureCodes } from '../failure-code.ts'
import { about, EXAMPLE_ID } from './schema.ts'

/** Why a request was refused, for programs: stable, one for each thing that a client may do about it. */
export const problemCodes = [
  'invalid-request',
  'unknown-field',
  'unauthenticated',
  'forbidden',
  'item-not-granted',
  'not-found',
  'conflict',
  'database-busy',
  'version-mismatch',
  'idempotency-key-reused',
  'payload-too-large',
  'unsupported-media-type',
  'rate-limited',
  'internal',
  'identity-provider-unavailable',
  'unavailable',
] as const
export type ProblemCode = (typeof problemCodes)[number]

/** An error answer of `/v1` (RFC 9457). */
export const problemSchema = z.object({
  type: z.string().meta(about('Always `about:blank`: `code` distinguishes problems', 'about:blank')),
  title: z.string().meta(about('The name of the HTTP status', 'Bad Request')),
  status: z.int().meta(about('The HTTP status', 400)),
  code: z.enum(problemCodes).meta(about('What happened, for programs', 'invalid-request')),
  detail: z.string().meta(about('What happened, for people', 'timezone "Middle/Earth" is not known.')),
  field: z.string().optional().meta(about('The invalid field of the request', 'schedule.timezone')),
  failureCode: z
    .enum(destinationFailureCodes)
    .optional()
    .meta(about('Why a destination cannot be used: the code that a job would fail with', 'destination-credentials')),
  jobId: z.string().optional().meta(about('The job that prevents it', EXAMPLE_ID)),
})
export type Problem = z.infer<typeof problemSchema>
