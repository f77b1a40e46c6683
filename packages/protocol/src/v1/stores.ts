import { z } from 'zod'
import { plainHttpUrl } from '../plain-http-url.ts'
import { about } from './schema.ts'

const tlsFields = {
  caCertificate: z
    .string()
    .max(100_000)
    .optional()
    .meta(about('Certificates (PEM) to trust in addition to the usual ones', '-----BEGIN CERTIFICATE-----\n…')),
  insecureTls: z.boolean().optional().meta(about('Accept any certificate. For tests only', false)),
}

const s3Fields = {
  kind: z.literal('s3').meta(about('An S3 bucket', 's3')),
  endpoint: z
    .string()
    .max(2000)
    .regex(/^[^@?#\s]*$/, 'must be a URL without user, query or fragment')
    .optional()
    .meta(about('URL of the S3 server; absent for Amazon', 'https://s3.example')),
  region: z.string().max(100).optional().meta(about('Region of the bucket', 'eu-central-1')),
  bucket: z.string().min(1).max(255).meta(about('The bucket', 'backups')),
  pathStyle: z
    .boolean()
    .optional()
    .meta(about('The bucket is part of the path of URLs (true) or of the host name (false)', true)),
  authKey: z.string().min(1).max(500).meta(about('Access key id', 'access-key')),
  ...tlsFields,
}

const swiftFields = {
  kind: z.literal('swift').meta(about('An OpenStack Swift container', 'swift')),
  authUrl: plainHttpUrl.meta(about('URL of Keystone', 'https://keystone.example/v3')),
  domain: z.string().min(1).max(255).meta(about('Domain of user and project', 'default')),
  projectName: z.string().min(1).max(255).meta(about('The project', 'backups')),
  container: z.string().min(1).max(256).meta(about('The container', 'backups')),
  username: z.string().min(1).max(255).meta(about('The user', 'backup')),
  ...tlsFields,
}

const fileFields = {
  kind: z.literal('file').meta(about('A directory that manager and agents share', 'file')),
  directory: z
    .string()
    .min(1)
    .max(4000)
    .startsWith('/', 'must be an absolute path')
    .meta(about('The directory', '/var/backups/shop')),
}

const secret = (description: string) =>
  z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .meta(about(`${description}. Write-only: reads say that it is set`, 'secret-key'))
const isSet = (description: string) => z.boolean().meta(about(description, true))

/** Each kind as a client sends it. */
export const s3StoreSettingsSchema = z.strictObject({ ...s3Fields, authSecret: secret('Secret access key') })
export type S3StoreSettings = z.infer<typeof s3StoreSettingsSchema>
export const swiftStoreSettingsSchema = z.strictObject({ ...swiftFields, password: secret('Password of the user') })
export type SwiftStoreSettings = z.infer<typeof swiftStoreSettingsSchema>
export const fileStoreSettingsSchema = z.strictObject(fileFields)
export type FileStoreSettings = z.infer<typeof fileStoreSettingsSchema>

/** Where the bytes of a destination are stored, as a client sends it. */
export const storeSettingsSchema = z.discriminatedUnion('kind', [
  s3StoreSettingsSchema,
  swiftStoreSettingsSchema,
  fileStoreSettingsSchema,
])
export type StoreSettings = z.infer<typeof storeSettingsSchema>

/** Each kind in an answer. */
export const s3StoreSchema = z.object({ ...s3Fields, authSecretSet: isSet('A secret access key is stored') })
export const swiftStoreSchema = z.object({ ...swiftFields, passwordSet: isSet('Whether a password is stored') })
export const fileStoreSchema = z.object(fileFields)

const describedStoreSchema = z.discriminatedUnion('kind', [s3StoreSchema, swiftStoreSchema, fileStoreSchema])

export const storeKinds = ['s3', 'swift', 'file'] as const
export type StoreKind = (typeof storeKinds)[number]
const isDescribed = (kind: string) => storeKinds.some((each) => each === kind)

/** A store of a kind that is not described here, which a manager with further kinds answers. */
const otherStoreSchema = z.looseObject({
  kind: z
    .string()
    .refine((kind) => !isDescribed(kind))
    .meta(about('A kind of store that only the manager knows', 'tape')),
})

/**
 * Where the bytes of a destination are stored, in an answer. Its type has the kinds that are described here. A manager with
 * further kinds may answer one of those: then `kind` names it, and the other fields are passed on as they are.
 */
export const storeSchema = z.union([describedStoreSchema, otherStoreSchema]) as unknown as typeof describedStoreSchema
export type Store = z.infer<typeof storeSchema>
