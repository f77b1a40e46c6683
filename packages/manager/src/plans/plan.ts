import type { CompressionAlgorithm, RetentionStyle } from '@osb-backup/protocol'

/** How dumps are compressed, where they are. */
export interface Compressor {
  algorithm: CompressionAlgorithm
  /** Undefined: the format's own. */
  level: number | undefined
}

/** What is backed up, when, where to and how long it is kept, for one service instance. */
export interface BackupPlan {
  id: string
  /** Counts the changes; 0 before it is stored. */
  version: number
  instanceId: string
  destinationId: string
  name: string
  paused: boolean
  compression: boolean
  compressor: Compressor
  /** Cron expression of five or six fields, seconds first, read in `timezone`. */
  frequency: string
  /** IANA name. */
  timezone: string
  retention: { style: RetentionStyle; period: number }
  /** Databases of the instance; each becomes a part of every job. */
  items: string[]
  /** age recipients, or a key that only the scripts understand. */
  publicKey: string | undefined
  /** Opens what `publicKey` sealed; kept only if the user wants the manager to restore by itself. */
  privateKey: string | undefined
  /** When it runs next; undefined: it is paused, or never due again. */
  nextRunAt: Date | undefined
  /** A change of retention deletes nothing before this. */
  retentionCountsFrom: Date | undefined
}
