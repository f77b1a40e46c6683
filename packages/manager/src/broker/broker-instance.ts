import type { InstanceParameters } from './parameters.ts'

/** A service instance of the manager's own broker: it stands for a backup plan of another service instance. */
export interface BrokerInstance {
  /** As the platform chose it. */
  id: string
  /** The broker account of the platform that provisioned it: no other one reaches it. */
  account: string
  serviceId: string
  planId: string
  organizationGuid: string
  spaceGuid: string
  /** What the platform says of it: names of the space and of the instance, for example. */
  context: Record<string, unknown>
  parameters: InstanceParameters
  /** The service instance that is backed up. */
  protectedInstanceId: string
  /** Its backup plan, which is deleted together with that instance. */
  backupPlanId: string
  /** `deprovisioning`: an asynchronous operation works on it, and nothing else may. */
  state: 'ready' | 'deprovisioning'
  /** The last asynchronous operation; undefined: there was none. */
  operation: DeprovisionOperation | undefined
  createdAt: Date
}

/** How the files of a backup plan are treated when it is deprovisioned. */
export interface FilePolicy {
  files: 'keep' | 'delete'
  /** How long kept files stay; undefined: until somebody deletes them. */
  keepDays: number | undefined
}

/** An asynchronous deprovisioning. Any manager continues it, at any step. */
export interface DeprovisionOperation extends FilePolicy {
  id: string
  /** `in progress` until it failed; where it succeeded the instance is deleted. */
  state: 'in progress' | 'failed'
  /** For the user of the platform. */
  description: string
  lastBackup: boolean
  /** The job of the last backup; undefined: it has not been started. */
  jobId: string | undefined
  /** When it fails, unless it is complete. An instant. */
  deadlineAt: string
}

/** Credentials for the protected instance of a broker instance. */
export interface BrokerBinding {
  /** As the platform chose it. */
  id: string
  brokerInstanceId: string
  serviceId: string
  planId: string
  bindResource: Record<string, unknown>
  parameters: Record<string, unknown>
  predecessorId: string | undefined
  tokenId: string
  /** Undefined: erased, since the key that seals secrets was lost. */
  token: string | undefined
  expiresAt: Date | undefined
  createdAt: Date
}
