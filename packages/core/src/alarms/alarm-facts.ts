import type { Protection } from '../protection.ts'

/** All that alarms depend on, as one manager found it, by PostgreSQL's clock. */
export interface AlarmFacts {
  now: Date
  /** The version of the manager. */
  version: string
  items: readonly ItemFacts[]
  /** The service instances that are unprotected on purpose. */
  exemptInstanceIds?: ReadonlySet<string> | undefined
  /** The service instances that their policy could not be applied to. */
  policyFailures?: readonly PolicyFailureFacts[] | undefined
  plans: readonly PlanFacts[]
  locks: readonly LockFacts[]
  agents: readonly AgentFacts[]
  destinations: readonly DestinationFacts[]
  tokens: readonly ExpiryFacts[]
  certificates: readonly ExpiryFacts[]
  /** Credentials of destinations; `id` and `name` are those of the destination. */
  credentials: readonly ExpiryFacts[]
  managers: readonly ManagerFacts[]
  orphans: readonly OrphanFacts[]
  /** PostgreSQL's clock was set, and nobody has confirmed it. */
  clockJump: { detectedAt: Date; jumpSeconds: number } | undefined
  /** For how long a proof counts that an item can be restored. */
  provenMaxAgeDays: number
  /** Undefined where the operator stated no limit. */
  database: { sizeBytes: number; limitBytes: number } | undefined
}

/** An item of a service instance. */
export interface ItemFacts {
  instanceId: string
  item: string
  protection: Protection
  /** The newest restore point is suspiciously small, and nobody has confirmed it. */
  suspiciousPoint: { id: string; sizeBytes: number; usualSizeBytes: number | undefined } | undefined
  /** How many of its restore points were found damaged or missing. */
  brokenPoints: number
  /** What drills found out about it; undefined: none covers it. */
  drill: DrillFacts | undefined
}

/** What drills found out about an item that they cover. */
export interface DrillFacts {
  /** Since when they cover it. */
  coveredSince: Date
  /** When it was last proven to be restorable; undefined: never. */
  provenAt: Date | undefined
  /** Why the last drill failed; undefined: it passed, or there was none. */
  failure: { jobId: string; reason: string; at: Date } | undefined
}

/** A service instance that its policy could not be applied to. */
export interface PolicyFailureFacts {
  instanceId: string
  error: string
}

/** A plan, and what became of its runs since the last one that was started. */
export interface PlanFacts {
  planId: string
  instanceId: string
  name: string
  /** Since when a run is due that nobody has started; undefined: none is. */
  overdueSince: Date | undefined
  /** The latest run was missed: when it was due. */
  missedAt: Date | undefined
  /** How many runs in a row were skipped, up to the latest. */
  skippedRuns: number
  /** The last job that ended failed, nobody cancelled it, and no other attempt follows. */
  failedJob: { id: string; endedAt: Date } | undefined
}

/** A database that a job has locked. */
export interface LockFacts {
  instanceId: string
  database: string
  jobId: string
  since: Date
  unlockAttempts: number
  /** The part that locked it has ended. */
  hasEnded: boolean
}

/** An agent that instances use. */
export interface AgentFacts {
  id: string
  name: string
  /** Undefined: it was not asked yet. */
  isReachable: boolean | undefined
  error: string | undefined
  version: string | undefined
  /** Why it accepts no new jobs until its settings are corrected, as it reported. */
  startProblem: string | undefined
  /** How far its clock is ahead of PostgreSQL's, where that is more than allowed. */
  skewSeconds: number | undefined
  disks: readonly DiskFacts[]
  lastSeenAt: Date | undefined
}

/** A file system. */
export interface DiskFacts {
  /** The setting that names a directory in it. */
  directory: string
  freeBytes: number
  /** Without what is reserved for root. */
  sizeBytes: number
}

/** A destination, and the removals of objects that are due in it. */
export interface DestinationFacts {
  id: string
  instanceId: string
  name: string
  /** Undefined: it was not checked yet. */
  isReachable: boolean | undefined
  error: string | undefined
  /** How many removals failed at least once. */
  failingRemovals: number
  /** How many attempts the one that failed most often had. */
  removalAttempts: number
}

/** A token, a certificate or credentials that expire. */
export interface ExpiryFacts {
  id: string
  name: string
  /** The service instance that it belongs to; undefined: it concerns the installation. */
  instanceId?: string
  expiresAt: Date
  /** Of a certificate that its agent renews by itself, after two thirds of it at the latest. */
  renewedLifetimeMs?: number
}

/** A manager that reported lately, or should have. */
export interface ManagerFacts {
  id: string
  name: string
  reportedAt: Date
  /** How far its clock is ahead of PostgreSQL's, where that is more than allowed. */
  skewSeconds: number | undefined
  /** The file system of its data directory. */
  disk: Omit<DiskFacts, 'directory'> | undefined
}

/** An instance at a service broker that is to be deleted, and could not be so far. */
export interface OrphanFacts {
  id: string
  /** The service instance whose data it may have. */
  instanceId: string
  serviceBroker: string
  error: string
  attempts: number
}
