import type { GeneratedAlways } from 'kysely'
import type { CreatedAt } from './columns.ts'

export interface SettingTable {
  name: string
  value: string
}

export interface CertificateAuthorityTable {
  id: string
  /** In PEM. */
  certificate: string
  sealed_key: string | null
  created_at: CreatedAt
}

export interface ClockObservationTable {
  boot_id: string
  observed_at: Date
  uptime_seconds: number
  steady_since: Date
}

export interface ClockJumpTable {
  id: GeneratedAlways<string>
  detected_at: Date
  jump_seconds: number
  confirmed_at: Date | null
  confirmed_by: string | null
}
