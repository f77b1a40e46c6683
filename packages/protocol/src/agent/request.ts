import { z } from 'zod'
import { compressionAlgorithms } from '../transforms.ts'
import { agentDrillSchema } from './drill.ts'
import { agentTransformsSchema } from './job.ts'

/** What the agent is asked for over HTTP. The manager builds these; the agent reads them without regard to case. */

/** Where an agent moves a file. Which fields are needed depends on `type`. */
export const agentDestinationSchema = z.object({
  type: z.string(),
  endpoint: z.string().optional(),
  region: z.string().optional(),
  bucket: z.string().optional(),
  authKey: z.string().optional(),
  authSecret: z.string().optional(),
  skipSSL: z.boolean().optional(),
  authUrl: z.string().optional(),
  domain: z.string().optional(),
  container_name: z.string().optional(),
  project_name: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  /** Additive, type FILE: an absolute directory that both agent and manager reach. */
  directory: z.string().optional(),
  filenamePrefix: z.string().optional(),
  /** The scripts move the dump to the store and back, and the agent transfers nothing. */
  skipStorage: z.boolean().optional(),
  /** Restores only: the file to fetch, without the prefix. */
  filename: z.string().optional(),
  /** Additive, restores only: what the stored object must be. Checked before the restore script sees a byte. */
  sha256: z.string().optional(),
  size: z.number().optional(),
  /** Additive, restores only: the root that the agent reported. Only chunks that match its manifest are restored. */
  root: z.string().optional(),
  /** Additive, restores only: what has to be reversed. Absent: as the manifest of the object says, else its name. */
  transforms: agentTransformsSchema.optional(),
  /** Additive, S3 and SWIFT: certificates (PEM) that are trusted besides those that the agent trusts. */
  ca_certificate: z.string().optional(),
  /** Additive, S3 and SWIFT: accepts any certificate. `skipSSL` is another thing: plain http. */
  insecure_tls: z.boolean().optional(),
  /** Additive, S3: the bucket in the path of URLs, or in the host's name (false). */
  path_style: z.boolean().optional(),
  /** Additive, S3: the token of temporary credentials. */
  session_token: z.string().optional(),
  /** Additive, S3: where the agent finds credentials of its own; then the request has none. */
  credentials_from: z.string().optional(),
  /** Additive, S3: of objects that are stored. */
  storage_class: z.string().optional(),
  /** Additive, S3: AES256 or aws:kms, and the key for the latter. */
  server_side_encryption: z.string().optional(),
  kms_key_id: z.string().optional(),
  /** Additive, S3: removes all versions of an object in a bucket with versions. */
  delete_versions: z.boolean().optional(),
  /** Additive, SWIFT: 1 or 3. */
  auth_version: z.string().optional(),
  /** Additive, SWIFT: public, internal or admin. */
  endpoint_interface: z.string().optional(),
  /** Additive, SWIFT: where `domain` is not that of both user and project, or they are known by id. */
  user_domain: z.string().optional(),
  user_domain_id: z.string().optional(),
  user_id: z.string().optional(),
  project_domain: z.string().optional(),
  project_domain_id: z.string().optional(),
  project_id: z.string().optional(),
  /** Additive, SWIFT: an application credential, whose secret is `password`. */
  application_credential_id: z.string().optional(),
  application_credential_name: z.string().optional(),
  /** Additive: limit on the bandwidth of all transfers of this destination at this agent together. */
  bandwidth_limit_bytes_per_second: z.number().optional(),
})
export type AgentDestination = z.infer<typeof agentDestinationSchema>

function readPort(value: unknown): number | undefined {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  return typeof port === 'number' && port !== 0 ? port : undefined
}

/**
 * The database that an agent dumps or restores. `username` and `password` are "none" where it has none, since agents
 * refuse a request without; `parameters` reach every script
 * as environment variables.
 */
export const agentDatabaseSchema = z.object({
  serviceInstance: z.unknown().optional(),
  host: z.string().optional(),
  /** The Go agent does not read it, so managers send what they have: text, or 0 where they have none. */
  port: z.preprocess(readPort, z.number().optional()),
  username: z.string().optional(),
  password: z.string().optional(),
  backupUsername: z.string().optional(),
  backupPassword: z.string().optional(),
  database: z.string().optional(),
  type: z.string().optional(),
  parameters: z.array(z.record(z.string(), z.unknown())).nullable().optional(),
  /** Additive: names of parameters whose values are masked in logs, besides those that are named like secrets. */
  secret_parameters: z.array(z.string()).optional(),
})
export type AgentDatabase = z.infer<typeof agentDatabaseSchema>

const requestFields = {
  id: z.string().optional(),
  compression: z.boolean().optional(),
  /** Additive: the script pack, at an agent that has several. Agents that report no `packs` would use their only one. */
  pack: z.string().optional(),
  /** As `destination.skipStorage`. */
  skip_storage: z.boolean().optional(),
  /** Additive, backups: zstd or gzip, where the agent compresses; absent: as the agent is set. */
  compression_algorithm: z.enum(compressionAlgorithms).optional(),
  /** Additive: a level of the algorithm. */
  compression_level: z.number().optional(),
  /** "none", age recipients (backup) or age identities (restore), or a key that only the scripts understand. */
  encryption_key: z.string().optional(),
  /** Additive, backups: age recipients that can open every encrypted backup, besides those of the key. */
  recovery_recipients: z.array(z.string()).optional(),
  /** Additive, backups: for the manifest beside the object. */
  plan: z.object({ id: z.string().optional(), name: z.string().optional() }).optional(),
  /** Additive, backups: the object's name without prefix and type. An agent that does not know it chooses one. */
  object_name: z.string().optional(),
  destination: agentDestinationSchema.optional(),
  /** Additive: the time limit of every stage of this job; the agent's own setting is the longest. */
  stage_timeout_seconds: z.number().optional(),
}

/** Body of `POST /backup`. All is optional here, since the agent names what is missing in its own words. */
export const agentBackupRequestSchema = z.object({ ...requestFields, backup: agentDatabaseSchema.optional() })
export type AgentBackupRequest = z.infer<typeof agentBackupRequestSchema>

/** Body of `PUT /restore`. */
export const agentRestoreRequestSchema = z.object({
  ...requestFields,
  restore: agentDatabaseSchema.optional(),
  drill: agentDrillSchema.optional(),
})
export type AgentRestoreRequest = z.infer<typeof agentRestoreRequestSchema>
