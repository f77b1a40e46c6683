import type { ColumnType } from 'kysely'
import type { CreatedAt, Json } from './columns.ts'

/** An asynchronous deprovisioning. */
interface StoredOperation {
  id: string
  state: 'in progress' | 'failed'
  description: string
  files: 'keep' | 'delete'
  keepDays: number | undefined
  lastBackup: boolean
  jobId: string | undefined
  deadlineAt: string
}

/** A service instance of the manager's own broker: a backup plan of another instance. */
export interface BrokerInstanceTable {
  /** As the platform chose it. */
  id: string
  /** The broker account of the platform. */
  account: string
  service_id: string
  plan_id: string
  organization_guid: string
  space_guid: string
  context: Json<Record<string, unknown>>
  parameters: Json<Record<string, unknown>>
  /** The instance that is backed up. */
  protected_instance_id: string
  /** Its backup plan; deleted meanwhile, if the instance was deregistered. */
  backup_plan_id: string
  state: 'ready' | 'deprovisioning'
  /** The last asynchronous operation; null: there was none. */
  operation: ColumnType<StoredOperation | null, string | null, string | null>
  created_at: CreatedAt
}

export interface BrokerBindingTable {
  /** As the platform chose it. */
  id: string
  broker_instance_id: string
  service_id: string
  plan_id: string
  bind_resource: Json<Record<string, unknown>>
  parameters: Json<Record<string, unknown>>
  /** The binding whose credentials it replaces. */
  predecessor_id: string | null
  token_id: string
  /** Null: erased, since the key was lost. */
  sealed_token: string | null
  expires_at: ColumnType<Date | null, Date | null, never>
  created_at: CreatedAt
}

/** Files of backup plans that were deleted with their service instance, until they are deleted too. */
export interface KeptFilesTable {
  plan_id: string
  instance_id: string
  delete_at: Date
}
