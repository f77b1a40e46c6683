import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Channel, Notification } from './channel.ts'
import { postAlert } from './channels/alertmanager.ts'
import { postChat, postTeams } from './channels/chat.ts'
import { runCommand } from './channels/command.ts'
import { sendEmail } from './channels/email.ts'
import { ping } from './channels/healthchecks.ts'
import { postWebhook } from './channels/webhook.ts'
import { type Message, messageOf } from './message.ts'
import * as outbox from './outbox-repository.ts'
import { channelsById, pauseChannel, resumeChannel } from './repository.ts'

/** Time limit of one attempt; shorter than the lock, after which another manager may try. */
const DELIVERY_TIMEOUT_MS = 15_000
const MAX_ERROR_LENGTH = 500
/** How often more is claimed while deliveries are under way. */
const CLAIM_EVERY_MS = 1000

type DeliveryContext = Pick<Context, 'database' | 'sealer' | 'settings' | 'log'>

/**
 * Delivers notifications that are due, whichever manager wrote them. Each is delivered at least once: a manager that disappears
 * between the delivery and its record leaves it to another one, under the same id.
 *
 * @param limit - How many deliveries are under way at most. One that takes its time delays none of another channel.
 * @returns Whether any was due.
 */
export async function deliverDue(context: DeliveryContext, limit: number, stop: AbortSignal): Promise<boolean> {
  const underWay = new Set<Promise<void>>()
  let wasAnyDue = false
  try {
    do {
      for (const delivery of await startDue(context, limit - underWay.size, stop)) {
        wasAnyDue = true
        const ended = delivery.finally(() => underWay.delete(ended))
        underWay.add(ended)
      }
      await anyOrSoon(underWay)
    } while (underWay.size > 0 && !stop.aborted)
  } finally {
    await Promise.all(underWay)
  }
  return wasAnyDue
}

/** Resolves when a delivery has ended, or it is time to claim more. */
async function anyOrSoon(underWay: ReadonlySet<Promise<void>>): Promise<void> {
  if (underWay.size === 0) return
  const waiting = new AbortController()
  const soon = sleep(CLAIM_EVERY_MS, undefined, { signal: waiting.signal }).catch(() => undefined)
  await Promise.race([...underWay, soon])
  waiting.abort()
}

/** Starts deliveries that are due. None rejects: one whose outcome could not be recorded is tried again. */
async function startDue(context: DeliveryContext, limit: number, stop: AbortSignal): Promise<Promise<void>[]> {
  if (limit === 0) return []
  await outbox.dropOldPings(context)
  const due = await outbox.claimNotifications(context, limit)
  if (due.length === 0) return []
  const channels = await channelsById(context, [...new Set(due.map(({ channelId }) => channelId))])
  return due.map(async (notification) => {
    const { id: notificationId, channelId } = notification
    const channel = channels.get(channelId)
    if (channel === undefined) return
    await deliverOne(context, channel, notification, stop).catch((error: unknown) =>
      context.log.warn(
        { err: error, notificationId, channelId },
        'the outcome of a delivery was not recorded; it is repeated',
      ),
    )
  })
}

async function deliverOne(
  context: DeliveryContext,
  channel: Channel,
  notification: Notification,
  stop: AbortSignal,
): Promise<void> {
  const timeout = AbortSignal.timeout(DELIVERY_TIMEOUT_MS)
  try {
    await send(context, channel, notification, AbortSignal.any([stop, timeout]))
  } catch (error) {
    const { id, channelId, attempts } = notification
    const reason = timeout.aborted ? `no answer within ${DELIVERY_TIMEOUT_MS / 1000} seconds` : reasonOf(error)
    context.log.warn({ notificationId: id, channelId, attempts, reason }, 'delivering a notification failed; retrying')
    await outbox.recordFailure(context, id, reason)
    // The end of this manager says nothing about the server.
    if (!stop.aborted) await pauseChannel(context, channelId)
    return
  }
  await outbox.recordDelivery(context, notification.id)
  await resumeChannel(context, channel.id)
}

/** Of errors of libraries only the message is kept; none of them contains credentials or URLs with secrets. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : 'unknown error'
  return message.replace(/https?:\/\/\S+/g, '…').slice(0, MAX_ERROR_LENGTH)
}

async function send(
  context: DeliveryContext,
  { transport }: Channel,
  notification: Notification,
  signal: AbortSignal,
): Promise<void> {
  const { privateDestinations, notificationCommand, environmentName } = context.settings
  const message: Message = messageOf(notification, environmentName)
  const rules = { privateDestinations, signal }
  switch (transport.kind) {
    case 'email':
      return sendEmail(transport, message, rules)
    case 'webhook':
      return postWebhook(transport, message, { ...rules, now: await readClock(context) })
    case 'slack':
    case 'mattermost':
      return postChat(transport.url, message, rules)
    case 'teams':
      return postTeams(transport.url, message, rules)
    case 'alertmanager':
      return postAlert(transport, message, { ...rules, now: await readClock(context) })
    case 'healthchecks':
      return ping(transport.url, message, rules)
    case 'command':
      if (notificationCommand === undefined) throw new Error('NOTIFICATION_COMMAND is not set.')
      return runCommand(notificationCommand, message, signal)
  }
}
