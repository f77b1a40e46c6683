import { nextRuns } from '@osb-backup/core'
import { authorizeReferredInstance, type Call } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import type { Channel, Notification } from './channel.ts'
import * as outbox from './outbox-repository.ts'
import { findPlanInstance } from './plan-repository.ts'
import * as repository from './repository.ts'

type ServiceContext = Pick<Context, 'database' | 'sealer' | 'settings'>

/** When a summary is due next: at 8:00, on each day or each Monday. */
export function nextSummaryAt({ summary }: Pick<Channel, 'summary'>, now: Date): Date | undefined {
  if (summary === undefined) return undefined
  const frequency = summary.every === 'day' ? '0 0 8 * * *' : '0 0 8 * * MON'
  return nextRuns({ frequency, timezone: summary.timezone }, 1, now)[0]
}

/**
 * One page of the channels, newest first. As all of this, for admins of all service instances: a channel tells of every instance, and
 * belongs to nobody.
 *
 * @throws {RequestError} `forbidden`, for admins of some.
 */
export async function searchChannels(
  context: ServiceContext,
  call: Call,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<Channel>> {
  await requireAllInstances(call)
  return repository.searchChannels(context, text, page)
}

/** @throws {RequestError} If there is no such channel. */
export async function getChannel(context: ServiceContext, call: Call, id: string): Promise<Channel> {
  await requireAllInstances(call)
  const channel = await repository.findChannel(context, id)
  if (channel === undefined) throw notFound('notification channel', id)
  return channel
}

/**
 * Creates a channel.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If the plan of its pings does not exist, or the operator does not allow its kind.
 */
export async function createChannel(
  context: ServiceContext,
  call: Call,
  wanted: Omit<Channel, 'id' | 'version' | 'createdAt'>,
  key?: IdempotencyKey,
): Promise<Channel> {
  await requireAllInstances(call)
  await checkChannel(context, call, wanted)
  const createdAt = await readClock(context)
  const channel = { ...wanted, id: newIdentifier(createdAt), version: 1, createdAt }
  return createOnce<ServiceContext, Channel>(context, {
    id: channel.id,
    call,
    key,
    async create(tx) {
      await repository.insertChannel(tx, channel, nextSummaryAt(channel, createdAt))
      return channel
    },
    find: (id) => repository.findChannel(context, id),
  })
}

/** @throws {RequestError} As `createChannel`; or if somebody else changed it. */
export async function updateChannel(context: ServiceContext, call: Call, wanted: Channel): Promise<Channel> {
  await requireAllInstances(call)
  await checkChannel(context, call, wanted)
  const next = nextSummaryAt(wanted, await readClock(context))
  const version = await inAuditedTransaction(context, call, async (tx) => {
    const stored = await repository.findChannel(tx, wanted.id)
    const written = await repository.updateChannel(tx, wanted, next)
    if (stored === undefined || written === undefined) throw changedMeanwhile()
    if (!stored.enabled || !wanted.enabled || isAnother(stored.transport, wanted.transport)) {
      await outbox.withdrawAll(tx, wanted.id)
    }
    return written
  })
  return { ...wanted, version }
}

/** Whether a channel gets other messages than before, so that those for the former one are not for it. */
function isAnother(stored: Channel['transport'], wanted: Channel['transport']): boolean {
  if (stored.kind === 'healthchecks' && wanted.kind === 'healthchecks') return stored.planId !== wanted.planId
  return stored.kind !== wanted.kind && (stored.kind === 'healthchecks' || wanted.kind === 'healthchecks')
}

/** Deletes a channel with its log. @throws {RequestError} If there is no such channel. */
export async function deleteChannel(context: ServiceContext, call: Call, id: string): Promise<void> {
  await requireAllInstances(call)
  await inAuditedTransaction(context, call, async (tx) => {
    if (!(await repository.deleteChannel(tx, id))) throw notFound('notification channel', id)
  })
}

/** Sends a test message soon, over a channel that need not be enabled. */
export async function testChannel(context: ServiceContext, call: Call, id: string): Promise<Notification> {
  await getChannel(context, call, id)
  const now = await readClock(context)
  const notificationId = newIdentifier(now)
  await inAuditedTransaction(context, call, (tx: InTransaction<ServiceContext>) =>
    outbox.insertNotifications(tx, [
      {
        id: notificationId,
        channelId: id,
        alarmId: undefined,
        event: 'test',
        stateKey: `test ${notificationId}`,
        content: {},
        createdAt: now,
        nextAttemptAt: now,
      },
    ]),
  )
  return getNotification(context, call, notificationId)
}

/** One page of the delivery log, newest first. */
export async function searchNotifications(
  context: Pick<Context, 'database'>,
  call: Call,
  search: outbox.NotificationSearch,
  page: KeysetRequest,
): Promise<KeysetPage<Notification>> {
  await requireAllInstances(call)
  return outbox.searchNotifications(context, search, page)
}

/** @throws {RequestError} If there is no such notification. */
export async function getNotification(
  context: Pick<Context, 'database'>,
  call: Call,
  id: string,
): Promise<Notification> {
  await requireAllInstances(call)
  const found = await outbox.findNotification(context, id)
  if (found === undefined) throw notFound('notification', id)
  return found
}

async function checkChannel(
  context: ServiceContext,
  call: Call,
  { transport, rules, quietHours, summary }: Omit<Channel, 'id' | 'version' | 'createdAt'>,
): Promise<void> {
  checkTimezone(quietHours?.timezone, 'quietHours.timezone')
  checkTimezone(summary?.timezone, 'summary.timezone')
  if (transport.kind === 'command' && context.settings.notificationCommand === undefined) {
    const message = 'Commands are off: the operator has not set NOTIFICATION_COMMAND.'
    throw new RequestError('invalid', message, { field: 'transport.kind' })
  }
  if (transport.kind !== 'healthchecks') return
  requireNoneOf({ rules: rules.length > 0, quietHours: quietHours !== undefined, summary: summary !== undefined })
  const instanceId = await findPlanInstance(context, transport.planId)
  if (instanceId === undefined) {
    const message = `There is no backup plan ${JSON.stringify(transport.planId)}.`
    throw new RequestError('invalid', message, { field: 'transport.planId' })
  }
  await authorizeReferredInstance(call, instanceId, 'transport.planId')
}

/** A check is pinged by all backups of its plan, at once, and by nothing else. */
function requireNoneOf(set: Record<string, boolean>): void {
  const field = Object.keys(set).find((name) => set[name] === true)
  if (field === undefined) return
  const message = `${field} is for channels of alarms: a check is pinged by each backup of its plan.`
  throw new RequestError('invalid', message, { field })
}

function checkTimezone(timezone: string | undefined, field: string): void {
  if (timezone === undefined) return
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new RequestError('invalid', `There is no time zone ${JSON.stringify(timezone)}.`, { field, cause })
  }
}
