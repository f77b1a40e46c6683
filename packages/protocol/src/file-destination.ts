import { z } from 'zod'
import { lenientBoolean, optional, optionalText, plainHttpUrl } from './lenient.ts'
import { serviceInstanceReferenceSchema, serviceInstanceSchema } from './service-instance.ts'

export const destinationTypes = ['S3', 'SWIFT', 'FILE'] as const
export type DestinationType = (typeof destinationTypes)[number]

const requestFields = {
  id: optionalText(100),
  serviceInstance: serviceInstanceReferenceSchema,
  name: z.string().min(1).max(200),
  filenamePrefix: optionalText(500),
}

const s3Request = z.object({
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
})

const swiftRequest = z.object({
  type: z.literal('SWIFT'),
  ...requestFields,
  username: z.string().min(1).max(255),
  password: optionalText(1000),
  authUrl: plainHttpUrl,
  domain: z.string().min(1).max(255),
  container_name: z.string().min(1).max(256),
  project_name: z.string().min(1).max(255),
})

const fileRequest = z.object({
  type: z.literal('FILE'),
  ...requestFields,
  directory: z.string().min(1).max(4000).startsWith('/', 'must be an absolute path'),
})

/**
 * A file destination as clients send it. `authSecret` and `password`, absent, empty or masked, keep the stored
 * value. `skipSSL` means plain http for an endpoint that names no scheme.
 */
export const fileDestinationRequestSchema = z.discriminatedUnion('type', [s3Request, swiftRequest, fileRequest])
export type FileDestinationRequest = z.infer<typeof fileDestinationRequestSchema>

const answerFields = {
  id: z.string(),
  idAsString: z.string(),
  serviceInstance: serviceInstanceSchema,
  name: z.string(),
  filenamePrefix: z.string().optional(),
}

/** A file destination in an answer, its secret masked. */
export const fileDestinationSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('S3'),
    ...answerFields,
    authKey: z.string(),
    authSecret: z.string(),
    endpoint: z.string(),
    region: z.string(),
    bucket: z.string(),
    skipSSL: z.boolean(),
  }),
  z.object({
    type: z.literal('SWIFT'),
    ...answerFields,
    username: z.string(),
    password: z.string(),
    authUrl: z.string(),
    domain: z.string(),
    container_name: z.string(),
    project_name: z.string(),
  }),
  z.object({ type: z.literal('FILE'), ...answerFields, directory: z.string() }),
])
export type FileDestination = z.infer<typeof fileDestinationSchema>
