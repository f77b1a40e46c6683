import type { AgentDestination } from '@osb-backup/protocol'
import type { S3CredentialSource } from '@osb-backup/protocol/v1'
import type { JobRetention } from '../jobs/expiry.ts'
import type { Compressor } from '../jobs/job-request.ts'
import type { ScriptAccount } from '../scripts/script-account.ts'
import type { LogLevel } from './agent-settings-table.ts'

/** The validated settings of an agent. */
export interface AgentSettings {
  /** Credentials of callers. Absent only if that was explicitly allowed: then any caller has full access. */
  credentials?: { username: string; password: string }
  host: string
  /** 0: any free port. */
  port: number
  backupDirectory: string
  restoreDirectory: string
  scriptsPath: string
  /** Whether the scripts path was set explicitly: then it must exist at the start. */
  mustHaveScripts: boolean
  /** The directory of the packs that requests name. */
  packsPath?: string
  /** The name of the account that scripts run under. */
  scriptUser?: string
  /** That account, if it is not the agent's own. Looked up when the agent starts. */
  scriptAccount?: ScriptAccount
  /** Names of the parameters that scripts get; `*`: all that are not reserved. */
  allowedParameters: ReadonlySet<string>
  mayDeleteFiles: boolean
  /** Names and patterns; absent: all. */
  allowedDatabases?: readonly string[]
  maxJobs: number
  /** Restores that may run even if `maxJobs` run. */
  reservedRestores: number
  stageTimeLimitMs: number
  killGraceMs: number
  /** How long a job stays running while its cleanup and unlock are retried. */
  unlockWaitMs: number
  minFreeDiskBytes: number
  stateDirectory: string
  shutdownGraceMs: number
  retention: JobRetention
  /** Whether the agent may listen without TLS on other addresses than those of this machine alone. */
  plainHttp: 'allow' | 'forbid'
  /** Paths of PEM files. Absent: plain HTTP. */
  tls?: { certificateFile: string; keyFile: string; clientCaFile?: string }
  /** How the agent gets its certificate from the manager, in place of the files of `tls`. */
  enrolment?: {
    url: string
    token?: string
    fingerprint: string
    /** PEM file. */
    caFile?: string
    renewalPercent: number
  }
  fileDestinationRoot?: string
  /** The scripts of form 1 store every dump themselves, whatever requests say. */
  skipStorage: boolean
  /** Fields of destinations, by type, for requests that leave them empty. */
  destinationDefaults: Readonly<Record<string, Partial<AgentDestination>>>
  transfers: TransferSettings
  logLevel: LogLevel
  /** Absent: nothing is traced. */
  tracing?: {
    /** Which part of the traces that begin here is recorded, from 0 to 1. */
    sampleRatio: number
  }
  /** The only variables of the agent's own environment that are passed to scripts. */
  scriptBase: Readonly<Record<'PATH' | 'HOME' | 'LANG' | 'TMPDIR', string>>
}

/** How content is transferred to and from stores. */
export interface TransferSettings {
  /** PEM file of CAs that are trusted in addition to the system's. */
  caFile?: string
  /** Whether stores may have private addresses. */
  privateDestinations: 'allow' | 'forbid'
  /** Where S3 destinations may have the agent take credentials of its own from. */
  credentialSources: readonly S3CredentialSource[]
  /** For all transfers together. */
  bandwidthBytesPerSecond?: number
  /** How long a store may be unavailable before a transfer fails. */
  outageMs: number
  /** How long a store may send nothing before a request is repeated. */
  idleTimeoutMs: number
  /** S3: maximum number of parts of an upload. */
  maximumParts?: number
  /** The compressor for requests that name none. */
  compressor: Compressor
  /** age recipients that can decrypt every encrypted backup, in addition to those of its key. */
  recoveryRecipients: readonly string[]
  /** Whether the agent also compresses and encrypts files of form 1. */
  transformsFiles: boolean
  writesManifests: boolean
  /** URLs of proxies, and hosts to reach without one. */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string }
}
