import { type AlarmSeverity, alarmSeverities } from '@osb-backup/protocol'
import type { Alarm } from '../alarms/alarm.ts'
import { openAlarms } from '../alarms/repository.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Channel } from './channel.ts'
import { contentOf } from './enqueue.ts'
import { matchesRules } from './matching.ts'
import { insertNotifications } from './outbox-repository.ts'
import { lockDueSummaries, setNextSummary, tenantsOf } from './repository.ts'
import { nextSummaryAt } from './service.ts'

const MAX_LISTED = 50

/** Writes the summaries that are due to the outbox. Those of a longer outage are one. */
export async function enqueueSummaries(context: Pick<Context, 'database' | 'sealer'>): Promise<void> {
  await inTransaction(context, async (tx) => {
    const now = await readClock(tx)
    const channels = await lockDueSummaries(tx, now)
    if (channels.length === 0) return
    const alarms = await openAlarms(tx)
    const tenants = await tenantsOf(
      tx,
      alarms.flatMap(({ instanceId }) => (instanceId === undefined ? [] : [instanceId])),
    )
    for (const channel of channels) {
      const matching = alarms.filter((alarm) => {
        const tenant = tenants.get(alarm.instanceId ?? '') ?? { organizationGuid: undefined, spaceGuid: undefined }
        return matchesRules({ ...alarm, ...tenant }, channel.rules)
      })
      await insertNotifications(tx, [summaryOf(channel, matching, now)])
      await setNextSummary(tx, channel.id, nextSummaryAt(channel, now))
    }
  })
}

const rankOf = (severity: AlarmSeverity) => alarmSeverities.indexOf(severity)

function summaryOf({ id }: Channel, alarms: readonly Alarm[], now: Date) {
  const bySeverity = alarms.toSorted((one, other) => rankOf(other.severity) - rankOf(one.severity))
  const listed = bySeverity.slice(0, MAX_LISTED).map(({ until: _, ...alarm }) => contentOf(alarm))
  return {
    channelId: id,
    alarmId: undefined,
    event: 'summary' as const,
    stateKey: `summary ${now.toISOString()}`,
    content: { summary: { openAlarms: listed, total: alarms.length } },
    createdAt: now,
    nextAttemptAt: now,
  }
}
