import type { Floor, PolicySelector } from '@osb-backup/core'
import type { ColumnType, Generated } from 'kysely'
import type { CreatedAt, Json } from './columns.ts'

export interface PolicyTable {
  id: string
  name: string
  label: string | null
  description: string | null
  /** The larger one wins. */
  priority: number
  selector: Json<PolicySelector>
  /** What plans and destinations are created from, without its secrets; null: the policy only sets a floor. */
  template: ColumnType<Record<string, unknown> | null, string | null, string | null>
  /** The private key and the secrets of the store, as JSON. */
  sealed_template_secrets: string | null
  floor: ColumnType<Floor | null, string | null, string | null>
  /** Whether the plans may be paused by hand. */
  may_pause: boolean
  version: Generated<number>
  created_at: CreatedAt
}

export interface PolicyExemptionTable {
  id: string
  instance_id: string
  reason: string
  /** Who decided it. */
  exempted_by: Json<{ kind: string; id: string; name: string }>
  expires_at: Date
  version: Generated<number>
  created_at: CreatedAt
}

/** Rows are inserted, and made due, by triggers. */
export interface PolicyCheckTable {
  instance_id: ColumnType<string, never, never>
  check_at: ColumnType<Date, never, Date>
  checked_at: ColumnType<Date | null, never, Date | null>
  /** The policy that the instance follows, as the last check found; null: none. */
  policy_id: ColumnType<string | null, never, string | null>
  /** Why that could not be applied. */
  error: ColumnType<string | null, never, string | null>
}
