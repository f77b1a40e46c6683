import { type Compression, isAgeRecipientList, type RunKind } from '@osb-backup/core'
import { NO_KEY } from '@osb-backup/protocol'
import { type StoreSettings, stores } from '@osb-backup/storage/kinds'
import { SecretMask } from '../masking.ts'
import { isSecretName, type Parameter } from '../scripts/parameters.ts'

/** What an agent was asked to do, checked: every text in it may go into a path, an environment or an argument. */
export interface JobRequest {
  kind: RunKind
  /** Opaque; unique among the jobs of its kind. */
  id: string
  compress: boolean
  /** How, where the agent compresses. */
  compressor: Compressor
  /** "none", age recipients or identities, or what only scripts of form 1 understand. */
  encryptionKey: string
  /** Backups: who can open every encrypted object besides those of the key. */
  recoveryRecipients: readonly string[]
  /** As the request spelt it: S3, SWIFT or FILE. */
  destinationType: string
  store: StoreSettings
  /** What all transfers of this destination may take together. */
  bandwidthBytesPerSecond?: number
  /** Goes before the file's name to make the object's; empty or ending where the caller wants. */
  namePrefix: string
  database: DatabaseAccess
  parameters: readonly Parameter[]
  /** Time limit of every stage; absent: the agent's own, which is also the longest. */
  stageTimeLimitMs?: number
  /** Restores: the object to fetch, without the prefix, and what it must be where that is known. */
  source?: { filename: string; sizeBytes?: number; sha256?: string }
  /** Of what it is a backup, as far as the caller told: for the manifest beside the object. */
  instance?: Named
  plan?: Named
}

/** A format, and how hard to compress: one of the format's levels, absent for its default. */
export interface Compressor {
  algorithm: Exclude<Compression, 'none'>
  level?: number
}

/** How something is known elsewhere. */
export interface Named {
  id?: string
  name?: string
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
export function maskOf(request: JobRequest, agentPassword: string | undefined): SecretMask {
  const { store, database, encryptionKey, parameters } = request
  return new SecretMask([
    agentPassword,
    database.password === NO_KEY ? undefined : database.password,
    database.backupPassword,
    encryptionKey === NO_KEY || isAgeRecipientList(encryptionKey) ? undefined : encryptionKey,
    ...stores.credentialsOf(store),
    ...parameters.filter(({ name }) => isSecretName(name)).map(({ value }) => value),
  ])
}

/**
 * What of a request its answers still need when the job is over: nothing secret.
 *
 * @param keepStore - Whether the store has still to be reached, to remove what an upload left there.
 */
export function withoutSecrets(request: JobRequest, keepStore: boolean): JobRequest {
  const { database, store } = request
  const { host, port, username, name } = database
  return {
    ...request,
    encryptionKey: '',
    store: keepStore ? store : stores.withoutCredentials(store),
    database: { host, port, username, password: '', name },
    parameters: [],
  }
}
