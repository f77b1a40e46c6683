import type { RunKind } from '@osb-backup/core'
import { NO_KEY } from '@osb-backup/protocol'
import type { StoreSettings } from '@osb-backup/storage'
import { isAgeRecipientList } from '../encryption-key.ts'
import { SecretMask } from '../masking.ts'
import { isSecretName, type Parameter } from '../scripts/parameters.ts'

/** What an agent was asked to do, checked: every text in it may go into a path, an environment or an argument. */
export interface JobRequest {
  kind: RunKind
  /** Opaque; unique among the jobs of its kind. */
  id: string
  compress: boolean
  /** "none", age recipients or identities, or what only scripts of form 1 understand. */
  encryptionKey: string
  /** As the request spelt it: S3, SWIFT or FILE. */
  destinationType: string
  store: StoreSettings
  /** Goes before the file's name to make the object's; empty or ending where the caller wants. */
  namePrefix: string
  database: DatabaseAccess
  parameters: readonly Parameter[]
  /** Restores: the object to fetch, without the prefix, and what it must be where that is known. */
  source?: { filename: string; sizeBytes?: number; sha256?: string }
}

/** How scripts reach the database. */
export interface DatabaseAccess {
  host: string
  port?: number
  username: string
  password: string
  /** A second account that some services keep for backups alone. */
  backupUsername?: string
  backupPassword?: string
  name: string
}

/** The mask for everything that a job prints or reports. */
export function maskOf(request: JobRequest, agentPassword: string): SecretMask {
  const { store, database, encryptionKey, parameters } = request
  return new SecretMask([
    agentPassword,
    database.password === NO_KEY ? undefined : database.password,
    database.backupPassword,
    encryptionKey === NO_KEY || isAgeRecipientList(encryptionKey) ? undefined : encryptionKey,
    ...(store.type === 's3' ? [store.accessKeyId, store.secretAccessKey] : []),
    ...(store.type === 'swift' ? [store.password] : []),
    ...parameters.filter(({ name }) => isSecretName(name)).map(({ value }) => value),
  ])
}
