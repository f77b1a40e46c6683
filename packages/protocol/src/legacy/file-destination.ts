import { z } from 'zod'
import { about } from '../about.ts'
import { plainHttpUrl } from '../plain-http-url.ts'
import { lenientBoolean, lenientInteger, optional, optionalText } from './lenient.ts'
import { sentServiceInstanceRequestSchema, serviceInstanceSchema } from './service-instance.ts'

/** What every file destination has in common, as clients send it. */
export const fileDestinationRequestFields = {
  id: optionalText(100).meta({ description: 'Id' }),
  serviceInstance: sentServiceInstanceRequestSchema,
  name: z.string().min(1).max(200).meta(about('Name for people', 'nightly store')),
  filenamePrefix: optionalText(500).meta({ description: "Prefix of the object's name" }),
}

/** Additive: how the store is reached. Absent keeps what is stored; an empty text or 0 removes it. */
const transferRequest = {
  /** Certificates (PEM) to trust in addition to the usual ones. */
  caCertificate: optionalText(100_000).meta(
    about(
      'Certificates (PEM) to trust in addition to the usual ones',
      '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----',
    ),
  ),
  /** Accepts any certificate of https. `skipSSL` is another thing: plain http. */
  insecureTls: optional(lenientBoolean).meta(about('Accept any certificate', false)),
  /** Limit on the bandwidth of all transfers of this destination at one agent together. */
  bandwidthLimitBytesPerSecond: optional(lenientInteger(0)).meta(
    about('Limit on the bandwidth of all transfers at one agent together', 50000000),
  ),
}

/** An S3 bucket as clients send it. */
export const s3DestinationRequestSchema = z.object({
  type: z.literal('S3').meta(about('Kind of the store', 'S3')),
  ...fileDestinationRequestFields,
  authKey: z.string().min(1).max(500).meta(about('Access key id', 'access-key')),
  authSecret: optionalText(1000).meta(about('Secret access key; absent keeps the stored one', 'secret-key')),
  endpoint: z
    .preprocess(
      (value) => value ?? undefined,
      z
        .string()
        .max(2000)
        .regex(/^[^@?#\s]*$/, 'must be a URL without user, query or fragment')
        .optional(),
    )
    .meta(about('URL of the S3 server; empty for Amazon', 'https://s3.example')),
  region: optionalText(100).meta(about('Region of the bucket', 'eu-central-1')),
  bucket: z.string().min(1).max(255).meta(about('Bucket', 'backups')),
  skipSSL: optional(lenientBoolean).meta(about('Use plain http for an endpoint without a scheme', false)),
  /** Additive: the bucket in the path of URLs, or in the host's name (false). */
  pathStyle: optional(lenientBoolean).meta(about('The bucket in the path of URLs, or in the host name (false)', true)),
  ...transferRequest,
})

/** A Swift container as clients send it. */
export const swiftDestinationRequestSchema = z.object({
  type: z.literal('SWIFT').meta(about('Kind of the store', 'SWIFT')),
  ...fileDestinationRequestFields,
  username: z.string().min(1).max(255).meta(about('User name', 'backup')),
  password: optionalText(1000).meta(about('Password; absent keeps the stored one', 'a password of yours')),
  authUrl: plainHttpUrl.meta(about('URL of Keystone', 'https://keystone.example/v3')),
  domain: z.string().min(1).max(255).meta(about('Domain of user and project', 'default')),
  container_name: z.string().min(1).max(256).meta(about('Container', 'backups')),
  project_name: z.string().min(1).max(255).meta(about('Project', 'backups')),
  ...transferRequest,
})

/** A directory as clients send it. */
export const fileDirectoryRequestSchema = z.object({
  type: z.literal('FILE').meta(about('Kind of the store', 'FILE')),
  ...fileDestinationRequestFields,
  directory: z
    .string()
    .min(1)
    .max(4000)
    .startsWith('/', 'must be an absolute path')
    .meta(about('Directory that manager and agents share', '/var/backups/shop')),
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

/** What every file destination has in common, in an answer. */
export const fileDestinationFields = {
  id: z.string().meta(about('Id', '69a3a7c0f1d2b3c4d5e6f708')),
  idAsString: z
    .string()
    .meta(about('The same id, for a client that reads only this field', '69a3a7c0f1d2b3c4d5e6f708')),
  serviceInstance: serviceInstanceSchema,
  name: z.string().meta(about('Name for people', 'nightly store')),
  filenamePrefix: z.string().optional().meta(about("Prefix of the object's name", '69a3a7c0f1d2b3c4d5e6f708/')),
}

const transferAnswer = {
  caCertificate: z
    .string()
    .optional()
    .meta(
      about(
        'Certificates (PEM) to trust in addition to the usual ones',
        '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----',
      ),
    ),
  insecureTls: z.boolean().optional().meta(about('Accept any certificate', false)),
  bandwidthLimitBytesPerSecond: z
    .number()
    .optional()
    .meta(about('Limit on the bandwidth of all transfers at one agent together', 50000000)),
}

/** An S3 bucket in an answer, its secret masked. */
export const s3DestinationSchema = z.object({
  type: z.literal('S3').meta(about('Kind of the store', 'S3')),
  ...fileDestinationFields,
  authKey: z.string().meta(about('Access key id', 'access-key')),
  authSecret: z.string().meta(about('Secret access key, masked in responses', '***')),
  endpoint: z.string().meta(about('URL of the S3 server; empty for Amazon', 'https://s3.example')),
  region: z.string().meta(about('Region of the bucket', 'eu-central-1')),
  bucket: z.string().meta(about('Bucket', 'backups')),
  skipSSL: z.boolean().meta(about('Use plain http for an endpoint without a scheme', false)),
  pathStyle: z.boolean().optional().meta(about('The bucket in the path of URLs, or in the host name (false)', true)),
  ...transferAnswer,
})

/** A Swift container in an answer, its secret masked. */
export const swiftDestinationSchema = z.object({
  type: z.literal('SWIFT').meta(about('Kind of the store', 'SWIFT')),
  ...fileDestinationFields,
  username: z.string().meta(about('User name', 'backup')),
  password: z.string().meta(about('Password, masked in responses', '***')),
  authUrl: z.string().meta(about('URL of Keystone', 'https://keystone.example/v3')),
  domain: z.string().meta(about('Domain of user and project', 'default')),
  container_name: z.string().meta(about('Container', 'backups')),
  project_name: z.string().meta(about('Project', 'backups')),
  ...transferAnswer,
})

/** A directory in an answer. */
export const fileDirectorySchema = z.object({
  type: z.literal('FILE').meta(about('Kind of the store', 'FILE')),
  ...fileDestinationFields,
  directory: z.string().meta(about('Directory that manager and agents share', '/var/backups/shop')),
})

/** A file destination in an answer, its secret masked. */
export const fileDestinationSchema = z.discriminatedUnion('type', [
  s3DestinationSchema,
  swiftDestinationSchema,
  fileDirectorySchema,
])
export type FileDestination = z.infer<typeof fileDestinationSchema>
