import type { ColumnType } from 'kysely'
import type { Permission } from '../../shared/role.ts'
import type { CreatedAt, Grants, Json, JsonText } from './columns.ts'

export interface TokenTable {
  id: string
  name: string
  hash: string
  role: 'broker' | 'viewer' | 'operator' | 'admin'
  permissions: Json<Permission[]>
  grants: JsonText<Grants>
  expires_at: Date | null
  last_used_at: Date | null
  created_at: CreatedAt
}

export interface BrokerAccountTable {
  name: string
  /** scrypt, with its salt. */
  password_hash: string
  grants: JsonText<Grants>
  created_at: CreatedAt
}

/** Append-only: the database refuses changes. */
export interface AuditEntryTable {
  id: ColumnType<string, never, never>
  at: Date
  caller_kind: string
  caller_id: string
  caller_name: string
  address: string
  action: string
  path: string
  status: number
  instance_id: string | null
}

export interface IdempotencyKeyTable {
  caller_id: string
  key: string
  request_digest: string
  /** What the request created. */
  resource_id: string
  created_at: Date
}
