import type { Generated, GeneratedAlways } from 'kysely'
import type { Json, JsonText } from './columns.ts'

export interface NotificationChannelTable {
  id: string
  name: string
  label: string | null
  enabled: boolean
  /** How it delivers, without secrets. */
  transport: Json<Record<string, unknown>>
  sealed_secrets: string | null
  rules: JsonText<unknown[]>
  quiet_hours: JsonText<{ from: string; until: string; timezone: string }> | null
  summary: JsonText<{ every: 'day' | 'week'; timezone: string }> | null
  /** When the next summary is due. */
  next_summary_at: Date | null
  /** Of channels that are pinged by the backups of one plan. */
  plan_id: string | null
  /** Its last delivery failed: until then it is not tried again, and then with one message at a time. */
  paused_until: Date | null
  version: Generated<number>
  created_at: Date
}

/** The outbox, and the log of deliveries. */
export interface NotificationTable {
  id: Generated<string>
  sequence: GeneratedAlways<string>
  channel_id: string
  alarm_id: string | null
  event: string
  /** The state that it tells of: each is told once. */
  state_key: string
  content: Json<Record<string, unknown>>
  created_at: Date
  /** Null: it was delivered, or given up. */
  next_attempt_at: Date | null
  attempts: Generated<number>
  /** A manager delivers it just now, or disappeared. */
  locked_until: Date | null
  error: string | null
  delivered_at: Date | null
}
