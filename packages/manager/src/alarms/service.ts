import { authorizeInstance, type Call } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { Alarm } from './alarm.ts'
import * as repository from './repository.ts'

/** One page of the alarms of all that the caller was granted, or of one instance, newest first. */
export async function searchAlarms(
  context: Pick<Context, 'database'>,
  call: Call,
  { instanceId, ...filter }: Omit<repository.AlarmSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Alarm>> {
  return repository.searchAlarms(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

/** @throws {RequestError} If there is no such alarm, or it concerns nothing that the caller was granted. */
export async function getAlarm(context: Pick<Context, 'database'>, call: Call, id: string): Promise<Alarm> {
  const alarm = await repository.findAlarm(context, id, 'all')
  if (alarm === undefined) throw notFound('alarm', id)
  if (alarm.instanceId !== undefined) await authorizeInstance(call, alarm.instanceId, { what: 'alarm', id })
  else if (!(await isVisible(context, alarm, call))) throw notFound('alarm', id)
  return alarm
}

/** Whether a caller may see an alarm. */
export async function isVisibleAlarm(context: Pick<Context, 'database'>, alarm: Alarm, call: Call): Promise<boolean> {
  return alarm.instanceId === undefined
    ? isVisible(context, alarm, call)
    : call.caller.isGranted(alarm.instanceId, 'read')
}

async function isVisible(context: Pick<Context, 'database'>, { id }: Alarm, { caller }: Call): Promise<boolean> {
  return (await repository.findAlarm(context, id, await caller.grants())) !== undefined
}

/** An alarm as it is now, whoever may see it. */
export function findAlarm(context: Pick<Context, 'database'>, id: string): Promise<Alarm | undefined> {
  return repository.findAlarm(context, id, 'all')
}

/**
 * Records that somebody takes care of an alarm. It stays open until what it is about is over.
 *
 * @throws {RequestError} If there is no such alarm, it concerns nothing that the caller was granted, or it concerns several
 *   instances of which the caller was granted only some.
 */
export async function acknowledgeAlarm(context: Pick<Context, 'database'>, call: Call, id: string): Promise<Alarm> {
  const alarm = await getAlarm(context, call, id)
  if (alarm.instanceId === undefined && (await call.caller.grants()) !== 'all') {
    throw new RequestError('forbidden', 'This alarm concerns more than the service instances that you were granted.')
  }
  if (alarm.acknowledgement !== undefined) return alarm
  await inAuditedTransaction(context, call, async (tx) => {
    await repository.setAcknowledged(tx, id, await readClock(tx), call.caller.name)
    await repository.notifyAlarms(tx, [id])
  })
  return getAlarm(context, call, id)
}
