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

/** Where programs find S3 credentials that nobody stored. */
export const s3CredentialSources = ['environment', 'instanceProfile', 'webIdentity'] as const
export type S3CredentialSource = (typeof s3CredentialSources)[number]

/** How an S3 store can encrypt objects by itself. */
export const s3Encryptions = ['AES256', 'aws:kms'] as const

const text = (description: string, example: string) =>
  z.string().min(1).max(500).optional().meta(about(description, example))

const s3Fields = {
  kind: z.literal('s3').meta(about('An S3 bucket', 's3')),
  endpoint: z
    .string()
    .max(2000)
    .regex(/^[^@?#\s]*$/, 'must be a URL without user, query or fragment')
    .optional()
    .meta(about('URL of the S3 server; absent for Amazon', 'https://s3.example')),
  region: z
    .string()
    .max(100)
    .optional()
    .meta(about('Region of the bucket; absent: as the endpoint or the server says', 'eu-central-1')),
  bucket: z.string().min(1).max(255).meta(about('The bucket', 'backups')),
  pathStyle: z
    .boolean()
    .optional()
    .meta(about('The bucket is part of the path of URLs (true) or of the host name (false)', true)),
  authKey: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .meta(about('Access key id; absent where credentialsFrom is set', 'access-key')),
  credentialsFrom: z
    .enum(s3CredentialSources)
    .optional()
    .meta(
      about(
        'Where manager and agent each find credentials of their own, if the operators of both allow it, in place of authKey ' +
          'and authSecret: the environment, the instance profile of the machine (AWS), or a web identity token',
        'instanceProfile',
      ),
    ),
  storageClass: text(
    'Storage class of new objects. One that must be restored before it can be read is of no use',
    'STANDARD_IA',
  ),
  serverSideEncryption: z
    .enum(s3Encryptions)
    .optional()
    .meta(about('The store encrypts new objects: AES256 with its own keys, aws:kms with those of a KMS', 'aws:kms')),
  kmsKeyId: text('Key of the KMS for aws:kms; absent for the default key of the bucket', 'alias/backups'),
  deleteVersions: z
    .boolean()
    .optional()
    .meta(
      about(
        'In a bucket with versions, delete all versions of an object. Otherwise a delete marker hides them, and they keep their space',
        true,
      ),
    ),
  ...tlsFields,
}

const swiftFields = {
  kind: z.literal('swift').meta(about('An OpenStack Swift container', 'swift')),
  authUrl: plainHttpUrl.meta(about('URL of Keystone, or of a login of version 1', 'https://keystone.example/v3')),
  authVersion: z
    .enum(['1', '3'])
    .optional()
    .meta(about('3 is Keystone; 1 is the login of Swift itself (TempAuth) and of Ceph. Absent: as authUrl says', '3')),
  domain: text('Name of the domain of user and project', 'default'),
  userDomain: text('Name of the domain of the user, where it is not that of the project', 'people'),
  userDomainId: text('Id of the domain of the user', '6f2d0c4e8a1b4d53'),
  projectDomain: text('Name of the domain of the project, where it is not that of the user', 'services'),
  projectDomainId: text('Id of the domain of the project', 'default'),
  projectName: text('Name of the project', 'backups'),
  projectId: text('Id of the project, in place of its name', 'b7e1a0c6d24f4f0f'),
  container: z.string().min(1).max(256).meta(about('The container', 'backups')),
  username: text('Name of the user; with version 1 `account:user`', 'backup'),
  userId: text('Id of the user, in place of the name', '0d5c7a9e3b8f4c21'),
  applicationCredentialId: text(
    'Id of an application credential, which needs neither user nor project',
    '21dced0fd20347869b93710d2b98aae0',
  ),
  applicationCredentialName: text('Name of an application credential of the user', 'backup-manager'),
  region: text('Region of the endpoint in the catalog; absent for the first', 'eu-1'),
  interface: z
    .enum(['public', 'internal', 'admin'])
    .optional()
    .meta(about('Which endpoint of the catalog; absent for the public one', 'internal')),
  deleteVersions: z
    .boolean()
    .optional()
    .meta(
      about(
        'In a container with X-Versions-Enabled, delete the older versions of an object too. Otherwise they keep their space',
        true,
      ),
    ),
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
export const s3StoreSettingsSchema = z
  .strictObject({
    ...s3Fields,
    authSecret: secret('Secret access key'),
    sessionToken: z
      .string()
      .min(1)
      .max(10_000)
      .optional()
      .meta(
        about('Token of temporary credentials. Write-only; a new authSecret without it removes it', 'session-token'),
      ),
  })
  .meta({
    examples: [
      {
        kind: 's3',
        endpoint: 'https://s3.example',
        region: 'eu-central-1',
        bucket: 'backups',
        authKey: 'access-key',
        authSecret: 'secret-key',
      },
    ],
  })
export type S3StoreSettings = z.infer<typeof s3StoreSettingsSchema>
export const swiftStoreSettingsSchema = z.strictObject({
  ...swiftFields,
  password: secret('Password of the user, or secret of the application credential'),
})
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
export const s3StoreSchema = z.object({
  ...s3Fields,
  authSecretSet: isSet('A secret access key is stored'),
  sessionTokenSet: isSet('A session token is stored').optional(),
})
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
