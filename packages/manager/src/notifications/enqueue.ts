import type { AlarmState } from '@osb-backup/core'
import type { AlarmSeverity } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { AlarmContent, NotificationEvent } from './channel.ts'
import { type MatchedAlarm, matchesRules, quietUntil } from './matching.ts'
import {
  insertNotifications,
  type NewNotification,
  notifiedChannels,
  supersedeWaiting,
  withdrawWaiting,
} from './outbox-repository.ts'
import { type ChannelRules, channelRules, tenantsOf } from './repository.ts'

/** An alarm that changed. */
export interface ChangedAlarm
  extends Pick<AlarmState, 'kind' | 'severity' | 'object' | 'instanceId' | 'planId' | 'sentence' | 'advice'> {
  id: string
  since: Date
  until?: Date
  previousSeverity?: AlarmSeverity
}

/** The alarms that one evaluation changed. */
export interface AlarmsChanged {
  raised: readonly ChangedAlarm[]
  /** More severe than before. */
  escalated: readonly ChangedAlarm[]
  resolved: readonly ChangedAlarm[]
}

/**
 * Writes to the outbox whom to notify of alarms, in the transaction that changes them. That an alarm is resolved is told to those
 * who were told that it was raised.
 */
export async function enqueueAlarms(
  tx: InTransaction<Pick<Context, 'database'>>,
  { raised, escalated, resolved }: AlarmsChanged,
  now: Date,
): Promise<void> {
  if (raised.length + escalated.length + resolved.length === 0) return
  const channels = await channelRules(tx)
  const alarms = [...raised, ...escalated]
  const tenants = await tenantsOf(
    tx,
    alarms.flatMap(({ instanceId }) => (instanceId === undefined ? [] : [instanceId])),
  )
  const matchOf = (alarm: ChangedAlarm): MatchedAlarm => ({
    ...alarm,
    ...(tenants.get(alarm.instanceId ?? '') ?? { organizationGuid: undefined, spaceGuid: undefined }),
  })
  const tell = (list: readonly ChangedAlarm[], event: NotificationEvent) =>
    list.flatMap((alarm) =>
      channels
        .filter(({ rules }) => matchesRules(matchOf(alarm), rules))
        .map((channel) => notificationOf(alarm, event, channel, now)),
    )
  const worse = tell(escalated, 'escalated')
  await supersedeWaiting(tx, worse)
  await insertNotifications(tx, [...tell(raised, 'raised'), ...worse])

  const resolvedIds = resolved.map(({ id }) => id)
  await withdrawWaiting(tx, resolvedIds, now)
  const known = new Map(channels.map((channel) => [channel.id, channel]))
  const byId = new Map(resolved.map((alarm) => [alarm.id, alarm]))
  const told = await notifiedChannels(tx, resolvedIds)
  const recoveries = told.flatMap(({ alarmId, channelId }) => {
    const [alarm, channel] = [byId.get(alarmId), known.get(channelId)]
    return alarm === undefined || channel === undefined ? [] : [notificationOf(alarm, 'resolved', channel, now)]
  })
  await insertNotifications(tx, recoveries)
}

function notificationOf(
  alarm: ChangedAlarm,
  event: NotificationEvent,
  { id, quietHours }: ChannelRules,
  now: Date,
): NewNotification {
  const isUrgent = alarm.severity === 'critical' || quietHours === undefined
  return {
    channelId: id,
    alarmId: alarm.id,
    event,
    stateKey: `${alarm.id} ${event} ${alarm.severity}`,
    content: { alarm: contentOf(alarm) },
    createdAt: now,
    nextAttemptAt: isUrgent ? now : (quietUntil(now, quietHours) ?? now),
  }
}

/** An alarm as messages show it. */
export function contentOf({ since, until, ...alarm }: ChangedAlarm): AlarmContent {
  const { id, kind, severity, object, instanceId, planId, sentence, advice, previousSeverity } = alarm
  const shown = { id, kind, severity, object, instanceId, planId, sentence, advice, previousSeverity }
  return { ...shown, since: since.toISOString(), until: until?.toISOString() }
}
