import type { JobRetention } from '../jobs/expiry.ts'
import type { Compressor } from '../jobs/job-request.ts'
import type { LogLevel } from './agent-settings-table.ts'

/** The settings of an agent, checked. */
export interface AgentSettings {
  /** What callers log in with. Absent only where that was explicitly allowed: then anybody may call. */
  credentials?: { username: string; password: string }
  host: string
  /** 0: any free port. */
  port: number
  backupDirectory: string
  restoreDirectory: string
  scriptsPath: string
  /** Whether the scripts path was set explicitly: then it must exist at the start. */
  mustHaveScripts: boolean
  mayDeleteFiles: boolean
  maxJobs: number
  stageTimeLimitMs: number
  killGraceMs: number
  minFreeDiskBytes: number
  stateDirectory: string
  shutdownGraceMs: number
  retention: JobRetention
  /** Paths of PEM files. Absent: plain HTTP. */
  tls?: { certificateFile: string; keyFile: string; clientCaFile?: string }
  fileDestinationRoot?: string
  transfers: TransferSettings
  logLevel: LogLevel
  /** The only variables of the agent's own environment that scripts get. */
  scriptBase: Readonly<Record<'PATH' | 'HOME' | 'LANG' | 'TMPDIR', string>>
}

/** How bytes are moved to stores and back. */
export interface TransferSettings {
  /** PEM file of CAs that are trusted besides the system's. */
  caFile?: string
  /** For all transfers together. */
  bandwidthBytesPerSecond?: number
  /** S3: how many parts an upload may have. */
  maximumParts?: number
  /** How to compress where a request asks for it but does not say how. */
  compressor: Compressor
  /** age recipients that can open every encrypted backup, besides those of its key. */
  recoveryRecipients: readonly string[]
  /** Whether files of form 1 are compressed and encrypted by the agent too. */
  transformsFiles: boolean
  writesManifests: boolean
  /** Proxies by URL, and where to go without. */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string }
}
