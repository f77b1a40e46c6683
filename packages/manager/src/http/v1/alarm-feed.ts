import type { AlarmEvent } from '@osb-backup/protocol/v1'
import type { Call } from '../../access/call.ts'
import type { Alarm } from '../../alarms/alarm.ts'
import { findAlarm, isVisibleAlarm } from '../../alarms/service.ts'
import type { Context } from '../../context/context.ts'

/** Who follows alarms, and of which instance. */
export interface AlarmFollower {
  call: Call
  instanceId: string | undefined
  send(event: AlarmEvent): void
}

/**
 * Calls back for each alarm that is raised, resolved or acknowledged and that the follower may see, in the order in which they
 * changed.
 *
 * @returns Ends that.
 */
export function followAlarms(
  context: Pick<Context, 'database' | 'jobChanges' | 'log'>,
  { call, instanceId, send }: AlarmFollower,
): () => void {
  let sending = Promise.resolve()
  const sendOne = async (id: string) => {
    const alarm = await findAlarm(context, id)
    if (alarm === undefined || (instanceId !== undefined && alarm.instanceId !== instanceId)) return
    if (await isVisibleAlarm(context, alarm, call)) send(toEvent(alarm))
  }
  return context.jobChanges.subscribeAlarms((id) => {
    sending = sending
      .then(() => sendOne(id))
      .catch((error: unknown) => context.log.warn({ err: error }, 'the event of an alarm was not sent'))
  })
}

function toEvent({ id, kind, severity, until, instanceId, planId, acknowledgement }: Alarm): AlarmEvent {
  const state = until === undefined ? 'open' : 'resolved'
  return { alarmId: id, kind, severity, state, instanceId, planId, acknowledged: acknowledgement !== undefined }
}
