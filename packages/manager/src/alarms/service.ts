import { authorizeInstance, type Call } from '../access/call.ts'
import type { Caller } from '../access/caller.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { instanceIdsOfAgent } from '../instances/ids-repository.ts'
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
  else if (!(await (await visibilityOf(context, alarm))(call.caller))) throw notFound('alarm', id)
  return alarm
}

/**
 * Finds out who may see an alarm, for any number of callers at once: anyone who was granted its instance; one of an agent, an instance
 * that uses the agent; one of the installation, all instances.
 */
export async function visibilityOf(
  context: Pick<Context, 'database'>,
  { instanceId, object }: Alarm,
): Promise<(caller: Caller) => Promise<boolean>> {
  const users = object.kind === 'agent' ? await instanceIdsOfAgent(context, object.id) : []
  const ofWhich = instanceId === undefined ? users : [instanceId]
  return async (caller) => {
    if ((await caller.grants()) === 'all') return true
    const granted = await Promise.all(ofWhich.map((each) => caller.isGranted(each, 'read')))
    return granted.includes(true)
  }
}

/** An alarm as it is now, regardless of who may see it. */
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
