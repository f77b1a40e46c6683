import { z } from 'zod'
import { plainHttpUrl } from '../plain-http-url.ts'
import { lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'
import { serviceInstanceReferenceSchema, serviceInstanceSchema } from './service-instance.ts'

export const destinationTypes = ['S3', 'SWIFT', 'FILE'] as const
export type DestinationType = (typeof destinationTypes)[number]

const requestFields = {
  id: optionalText(100),
  serviceInstance: serviceInstanceReferenceSchema,
  name: z.string().min(1).max(200),
  filenamePrefix: optionalText(500),
}

/** Additive: how the store is reached. Absent keeps what is stored; an empty text or 0 takes it away. */
const transferRequest = {
  /** Certificates (PEM) that are trusted besides the usual ones. */
  caCertificate: optionalText(100_000),
  /** Takes any certificate of https. `skipSSL` is another thing: plain http. */
  insecureTls: optional(lenientBoolean),
  /** What all transfers of this destination at one agent may take together. */
  bandwidthLimitBytesPerSecond: optional(lenientInteger(0)),
}

/** An S3 bucket as clients send it. */
export const s3DestinationRequestSchema = z.object({
  type: z.literal('S3'),
  ...requestFields,
  authKey: z.string().min(1).max(500),
  authSecret: optionalText(1000),
  endpoint: z.preprocess(
    (value) => value ?? undefined,
    z
      .string()
      .max(2000)
      .regex(/^[^@?#\s]*$/, 'must be a URL without user, query or fragment')
      .optional(),
  ),
  region: optionalText(100),
  bucket: z.string().min(1).max(255),
  skipSSL: optional(lenientBoolean),
  /** Additive: the bucket in the path of URLs, or in the host's name (false). */
  pathStyle: optional(lenientBoolean),
  ...transferRequest,
})

/** A Swift container as clients send it. */
export const swiftDestinationRequestSchema = z.object({
  type: z.literal('SWIFT'),
  ...requestFields,
  username: z.string().min(1).max(255),
  password: optionalText(1000),
  authUrl: plainHttpUrl,
  domain: z.string().min(1).max(255),
  container_name: z.string().min(1).max(256),
  project_name: z.string().min(1).max(255),
  ...transferRequest,
})

/** A directory as clients send it. */
export const fileDirectoryRequestSchema = z.object({
  type: z.literal('FILE'),
  ...requestFields,
  directory: z.string().min(1).max(4000).startsWith('/', 'must be an absolute path'),
})

/**
 * A file destination as clients send it. `authSecret` and `password`, absent, empty or masked, keep the stored
 * value. `skipSSL` means plain http for an endpoint that names no scheme.
 */
export const fileDestinationRequestSchema = z.discriminatedUnion('type', [
  s3DestinationRequestSchema,
  swiftDestinationRequestSchema,
  fileDirectoryRequestSchema,
])
export type FileDestinationRequest = z.infer<typeof fileDestinationRequestSchema>
export type S3DestinationRequest = z.infer<typeof s3DestinationRequestSchema>
export type SwiftDestinationRequest = z.infer<typeof swiftDestinationRequestSchema>
export type FileDirectoryRequest = z.infer<typeof fileDirectoryRequestSchema>

const answerFields = {
  id: z.string(),
  idAsString: z.string(),
  serviceInstance: serviceInstanceSchema,
  name: z.string(),
  filenamePrefix: z.string().optional(),
}

const transferAnswer = {
  caCertificate: z.string().optional(),
  insecureTls: z.boolean().optional(),
  bandwidthLimitBytesPerSecond: z.number().optional(),
}

/** An S3 bucket in an answer, its secret masked. */
export const s3DestinationSchema = z.object({
  type: z.literal('S3'),
  ...answerFields,
  authKey: z.string(),
  authSecret: z.string(),
  endpoint: z.string(),
  region: z.string(),
  bucket: z.string(),
  skipSSL: z.boolean(),
  pathStyle: z.boolean().optional(),
  ...transferAnswer,
})

/** A Swift container in an answer, its secret masked. */
export const swiftDestinationSchema = z.object({
  type: z.literal('SWIFT'),
  ...answerFields,
  username: z.string(),
  password: z.string(),
  authUrl: z.string(),
  domain: z.string(),
  container_name: z.string(),
  project_name: z.string(),
  ...transferAnswer,
})

/** A directory in an answer. */
export const fileDirectorySchema = z.object({ type: z.literal('FILE'), ...answerFields, directory: z.string() })

/** A file destination in an answer, its secret masked. */
export const fileDestinationSchema = z.discriminatedUnion('type', [
  s3DestinationSchema,
  swiftDestinationSchema,
  fileDirectorySchema,
])
export type FileDestination = z.infer<typeof fileDestinationSchema>
