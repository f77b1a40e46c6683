import { type Compression, isAgeRecipientList, type RunKind } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { type AgentCheck, type AgentTransforms, isSecretName, NO_KEY } from '@osb-backup/protocol'
import { type StoreSettings, stores } from '@osb-backup/storage/kinds'
import { SecretMask } from '../masking.ts'
import type { Parameter } from '../scripts/parameters.ts'

/** A validated request: every text in it may become part of a path, an environment or an argument. */
export interface JobRequest {
  kind: RunKind
  /** Opaque; unique among the jobs of its kind. */
  id: string
  /** The script pack that the request names. */
  pack?: string
  compress: boolean
  /** The compressor, if the agent compresses. */
  compressor: Compressor
  /** "none", age recipients or identities, or a key that only scripts of form 1 understand. */
  encryptionKey: string
  /** Backups: recipients that can decrypt every encrypted object in addition to those of the key. */
  recoveryRecipients: readonly string[]
  /** As spelt in the request. */
  destinationType: string
  store: StoreSettings
  /** The bandwidth of all transfers of this destination together. */
  bandwidthBytesPerSecond?: number
  /** The scripts of form 1 move the dump to the store and back themselves; the agent transfers nothing. */
  skipStorage: boolean
  /** Precedes the file name in the name of the object; may be empty. */
  namePrefix: string
  /** Backups: the name of the object without prefix and type, if the manager chose it. */
  objectName?: string
  database: DatabaseAccess
  parameters: readonly Parameter[]
  /** Names of parameters that the caller says are secret, besides those that are named so. */
  secretParameters?: readonly string[]
  /** Time limit of every stage; absent: the agent's own, which is also the maximum. */
  stageTimeLimitMs?: number
  /** Restores: the object to download, without the prefix, and its size and digest if they are known. */
  source?: { filename: string; transforms?: AgentTransforms; sizeBytes?: number; sha256?: string; root?: string }
  /** Restores that are drills: what is checked, and whether the database is dropped in the end. */
  drill?: { checks: readonly AgentCheck[]; isDropped: boolean }
  /** What the backup is of, if the caller says so: for the manifest. */
  instance?: Named
  plan?: Named
  /** The span that the job continues, as W3C Trace Context has it; absent: nobody traces it. */
  traceparent?: string
}

/** A compression algorithm, and one of its levels; absent: its default. */
export interface Compressor {
  algorithm: Exclude<Compression, 'none'>
  level?: number
}

/** A reference to something by id and name. */
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
  /** A second account that some services have for backups. */
  backupUsername?: string
  backupPassword?: string
  name: string
}

/**
 * Whether two requests are for one database. Names of hosts have no case; a port that one request does not give, or
 * gives as 0, may be that of the other.
 */
export function isSameDatabase(one: DatabaseAccess, other: DatabaseAccess): boolean {
  if (one.name !== other.name || one.host.toLowerCase() !== other.host.toLowerCase()) return false
  return !one.port || !other.port || one.port === other.port
}

/** Creates the mask for everything that a job prints or reports. */
export function maskOf(request: JobRequest, agentPassword: string | undefined): SecretMask {
  const { store, database, encryptionKey, parameters, secretParameters = [] } = request
  const isSecret = ({ name }: Parameter) => isSecretName(name) || secretParameters.includes(name)
  return new SecretMask([
    agentPassword,
    database.password === NO_KEY ? undefined : database.password,
    database.backupPassword,
    encryptionKey === NO_KEY || isAgeRecipientList(encryptionKey) ? undefined : encryptionKey,
    ...stores.credentialsOf(store),
    ...parameters.filter(isSecret).map(({ value }) => value),
  ])
}

/**
 * The part of a request that answers still need when the job has finished: nothing secret.
 *
 * @param keepStore - Whether the store is still needed, to remove an incomplete upload.
 */
export function withoutSecrets(request: JobRequest, keepStore: boolean): JobRequest {
  const { database, store } = request
  const { host, port, username, name } = database
  return {
    ...request,
    encryptionKey: '',
    store: keepStore ? store : stores.withoutCredentials(store),
    database: omitUndefined({ host, port, username, password: '', name }),
    parameters: [],
  }
}
