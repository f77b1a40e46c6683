import type { Retention } from '@osb-backup/core'
import type { CompressionAlgorithm } from '@osb-backup/protocol'
import type { DrillSettings } from '@osb-backup/protocol/v1'

/** How dumps are compressed, if they are. */
export interface Compressor {
  algorithm: CompressionAlgorithm
  /** Undefined: the default of the format. */
  level: number | undefined
}

/** How often a scheduled run of a plan that says nothing is tried again at most. */
export const DEFAULT_RETRIES = 2

/** What is backed up, when, where to and how long it is kept, for one service instance. */
export interface BackupPlan {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  instanceId: string
  destinationId: string
  name: string
  /** By which it is managed together with others; undefined: it is not. */
  label?: string | undefined
  paused: boolean
  compression: boolean
  compressor: Compressor
  /** Cron expression of five or six fields, seconds first, read in `timezone`. */
  frequency: string
  /** IANA name. */
  timezone: string
  /** By the clocks of `timezone`. */
  retention: Omit<Retention, 'timezone'>
  /** Databases of the instance, by name or by pattern; each becomes a part of every job. */
  items: string[]
  /** What the patterns do not cover. */
  excludedItems: string[]
  /** age recipients, or a key that only the scripts understand. */
  publicKey: string | undefined
  /** Decrypts what `publicKey` encrypted; stored only if the user wants the manager to restore by itself. */
  privateKey: string | undefined
  /** Recovery point objective: how old the newest restore point may be; undefined: twice the interval of the schedule. */
  rpoSeconds: number | undefined
  /** How often a scheduled run that failed for a transient reason is tried again at most. */
  retries: number
  /** How many of its items are backed up at the same time at most. */
  parallelItems: number
  /** What maintains it, and alone changes it: `policy:<id>`, for example; undefined: nothing does. */
  managedBy?: string | undefined
  /** Of a managed plan: whether it may be paused and resumed by hand; undefined: it may. */
  mayPause?: boolean | undefined
  /** What paused it; undefined: it is not paused, or was by hand. */
  pausedBy?: 'exemption' | undefined
  /** What maintained it before it was released; undefined: nothing did, or it was changed by hand since. */
  releasedFrom?: string | undefined
  /** How it is proven that its restore points can be restored; undefined: it is not. */
  drill?: DrillSettings | undefined
  /** When its next drill is due; undefined: none is by schedule. */
  nextDrillAt?: Date | undefined
  createdAt: Date
  /** When it runs next; undefined: it is paused, or never due again. */
  nextRunAt: Date | undefined
  /** A change of retention deletes nothing before this. */
  retentionCountsFrom: Date | undefined
}

/** The retention of a plan, by the clocks that its schedule is read by. */
export function retentionOf({ retention, timezone }: Pick<BackupPlan, 'retention' | 'timezone'>): Retention {
  return { ...retention, timezone }
}

/** What a plan runs by, and which of its runs have been decided. */
export interface PlanSchedule {
  id: string
  paused: boolean
  frequency: string
  timezone: string
  /** The next run, on which nothing has been decided; undefined: it is paused, or never due again. */
  nextDueAt: Date | undefined
  /** The last run on which something was decided. */
  lastDueAt: Date | undefined
}

/** What a backup job copies from its plan. */
export type PlanToRun = Pick<
  BackupPlan,
  'id' | 'instanceId' | 'destinationId' | 'compression' | 'compressor' | 'publicKey' | 'items' | 'parallelItems'
>
