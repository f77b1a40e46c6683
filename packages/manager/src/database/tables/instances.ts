import type { AgentFacts } from '@osb-backup/core'
import type { Host, ReportedPack } from '@osb-backup/protocol'
import type { ColumnType, Generated } from 'kysely'
import type { CreatedAt, Json } from './columns.ts'

export interface AgentTable {
  id: string
  name: string | null
  /** By which it is managed together with others. */
  label: string | null
  url: string
  username: string
  sealed_password: string | null
  /** Registered along with an instance over the legacy paths; deleted when no instance uses it any more. */
  implicit: boolean
  version: Generated<number>
  created_at: CreatedAt
  /** What the last check found; null: it was never asked. */
  reachable: ColumnType<boolean | null, never, boolean | null>
  error: ColumnType<string | null, never, string | null>
  agent_version: ColumnType<string | null, never, string | null>
  capabilities: ColumnType<string[], never, string>
  packs: ColumnType<ReportedPack[], never, string>
  start_problem: ColumnType<string | null, never, string | null>
  skew_seconds: ColumnType<number | null, never, number | null>
  disks: ColumnType<AgentFacts['disks'], never, string>
  last_seen_at: ColumnType<Date | null, never, Date | null>
  last_checked_at: ColumnType<Date | null, never, Date | null>
  /** When it is asked next, by the database's clock. */
  check_at: ColumnType<Date, never, Date>
  /** SHA-256 of the token that it enrols with. */
  enrolment_token_hash: ColumnType<string | null, never, string | null>
  enrolment_expires_at: ColumnType<Date | null, never, Date | null>
  enrolment_used_at: ColumnType<Date | null, never, Date | null>
  /** The only certificate in PEM that is accepted of it; null: it was not enrolled. */
  certificate: ColumnType<string | null, never, string | null>
  /** A renewed one that was issued, and that it has not presented yet: accepted too. */
  next_certificate: ColumnType<string | null, never, string | null>
  certificate_expires_at: ColumnType<Date | null, never, Date | null>
  /** Deleted instances still refer to it. */
  deleted_at: ColumnType<Date | null, never, Date | null>
}

export interface ServiceInstanceTable {
  id: string
  service_id: string | null
  plan_id: string | null
  organization_guid: string | null
  space_guid: string | null
  /** Without those that are secret. */
  parameters: Json<Record<string, unknown>>
  /** Those that are secret, as JSON. */
  sealed_parameters: string | null
  secret_parameters: Json<string[]>
  /** Null: nothing was declared. */
  items: ColumnType<string[] | null, string | null, string | null>
  /** The script pack at its agent; null: the only one. */
  pack: string | null
  label: string | null
  /** Drills may restore into it. */
  drill_target: boolean
  hosts: Json<Host[]>
  /** The one of the hosts that dumps are taken from; the port is 0 if it has none. */
  backup_host: string
  backup_port: number
  database_username: string | null
  sealed_database_password: string | null
  backup_username: string | null
  sealed_backup_password: string | null
  agent_id: string
  /** The broker that registered it first; null: it was no broker. */
  registered_by: ColumnType<string | null, string | null, never>
  version: Generated<number>
  created_at: CreatedAt
  /** When its broker deleted its plans, since the database is to be deleted; null again once it is registered anew. */
  deprovisioned_at: ColumnType<Date | null, null, Date | null>
  /** Jobs and restore points refer to the instance also after it was deleted. */
  deleted_at: Date | null
}

/** The agents on the other nodes of clusters. */
export interface OtherAgentTable {
  instance_id: string
  /** The order of preference, from 0 on. */
  position: number
  agent_id: string
  /** The name or address of the host that it works on; null: the one that dumps are taken from. */
  host_name: string | null
  host: string
  /** 0: none is known. */
  port: number
}

/** A view: every agent of every registered instance. */
export interface InstanceAgentView {
  instance_id: ColumnType<string, never, never>
  agent_id: ColumnType<string, never, never>
  host: ColumnType<string, never, never>
  port: ColumnType<number, never, never>
}

export interface FileDestinationTable {
  id: string
  instance_id: string
  name: string
  label: string | null
  /** The store's settings without its secrets. */
  store: Json<Record<string, unknown>>
  sealed_store_secrets: string | null
  /** Bytes a second, for all transfers of one agent together. */
  bandwidth_limit: ColumnType<string | null, number | null, number | null>
  quota_bytes: ColumnType<string | null, number | null, number | null>
  /** What maintains the destination, as `policy:<id>`; null: nothing does. */
  managed_by: string | null
  version: Generated<number>
  created_at: CreatedAt
  /** Restore points need the destination also after it was retired. */
  deleted_at: Date | null
}
