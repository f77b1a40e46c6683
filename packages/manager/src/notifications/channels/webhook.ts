import { createHmac } from 'node:crypto'
import type { Message } from '../message.ts'
import { type DeliveryRules, post } from './http-post.ts'

/**
 * Posts a CloudEvent (1.0, structured mode), signed as Standard Webhooks specify. The id stays the same over attempts, so that a
 * receiver recognizes an event that it had.
 *
 * @param now - When it is sent, by the database's clock.
 */
export async function postWebhook(
  { url, secret }: { url: string; secret: string },
  { notification, environment, title, text }: Message,
  { now, ...rules }: DeliveryRules & { now: Date },
): Promise<void> {
  const { id, event, content, createdAt } = notification
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    source: `/osb-backup-manager/${encodeURIComponent(environment)}`,
    type: `osb-backup.${content.alarm === undefined ? 'notification' : 'alarm'}.${event}`,
    ...(content.alarm === undefined ? {} : { subject: content.alarm.id }),
    time: createdAt.toISOString(),
    datacontenttype: 'application/json',
    data: { environment, title, text, ...content },
  })
  const seconds = Math.floor(now.getTime() / 1000)
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/cloudevents+json',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  }
  await post({ url, headers, body }, rules)
}
