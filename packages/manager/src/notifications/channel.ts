import type { NotificationRule, NotificationTransport } from '@osb-backup/protocol/v1'

/** Whom to notify of what, and how. */
export interface Channel {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  name: string
  /** By which it is managed together with others; undefined: it is not. */
  label?: string | undefined
  enabled: boolean
  /** With its secrets. */
  transport: NotificationTransport
  /** It notifies of alarms that match one of these; without any, of all. */
  rules: NotificationRule[]
  quietHours: QuietHours | undefined
  summary: { every: 'day' | 'week'; timezone: string } | undefined
  createdAt: Date
}

/** Times of day, in a time zone. */
export interface QuietHours {
  from: string
  until: string
  timezone: string
}

/** What happened. */
export type NotificationEvent =
  | 'raised'
  | 'escalated'
  | 'resolved'
  | 'summary'
  | 'test'
  | 'started'
  | 'succeeded'
  | 'failed'

/** A message, and what became of its delivery. */
export interface Notification {
  id: string
  channelId: string
  alarmId: string | undefined
  event: NotificationEvent
  content: NotificationContent
  createdAt: Date
  /** Undefined: it was delivered, or given up. */
  nextAttemptAt: Date | undefined
  attempts: number
  error: string | undefined
  deliveredAt: Date | undefined
}

/** What a message says. It holds no secret and nothing that scripts printed. */
export interface NotificationContent {
  alarm?: AlarmContent
  /** Of a summary: the alarms that are open, the most severe first; at most 50. */
  summary?: { openAlarms: AlarmContent[]; total: number }
  /** Of pings: the job. */
  jobId?: string
  instanceId?: string
  planId?: string
}

/** An alarm as messages show it; instants are texts. */
export interface AlarmContent {
  id: string
  kind: string
  severity: string
  object: { kind: string; id: string; name: string }
  instanceId?: string | undefined
  planId?: string | undefined
  sentence: string
  advice: string
  since: string
  until?: string | undefined
  /** Of one that became more severe: how severe it was. */
  previousSeverity?: string | undefined
}
