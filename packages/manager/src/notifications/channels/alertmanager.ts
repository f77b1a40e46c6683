import type { AlarmContent } from '../channel.ts'
import type { Message } from '../message.ts'
import { type DeliveryRules, postJson } from './http-post.ts'

const YEAR_MS = 365 * 86_400_000

/**
 * Posts an alarm to Alertmanager's API v2. An alert is identified by its labels, the severity among them: one that became more
 * severe ends, and another begins. An open alert ends far in the future, since it is not sent again and again.
 */
export async function postAlert(
  { url, username, password }: { url: string; username?: string | undefined; password?: string | undefined },
  message: Message,
  { now, ...rules }: DeliveryRules & { now: Date },
): Promise<void> {
  const { alarm } = message.notification.content
  const alerts =
    alarm === undefined ? [plainAlert(message, now)] : alarmAlerts(alarm, message, new Date(now.getTime() + YEAR_MS))
  const credentials = Buffer.from(`${username}:${password ?? ''}`).toString('base64')
  const headers: Record<string, string> = username === undefined ? {} : { authorization: `Basic ${credentials}` }
  await postJson(`${url.replace(/\/+$/, '')}/api/v2/alerts`, alerts, rules, headers)
}

function alarmAlerts(alarm: AlarmContent, { environment, title }: Message, endsAt: Date) {
  const labels = {
    alertname: alarm.kind,
    severity: alarm.severity,
    environment,
    object: alarm.object.name,
    alarm_id: alarm.id,
    ...(alarm.instanceId === undefined ? {} : { instance_id: alarm.instanceId }),
  }
  const annotations = { summary: title, description: alarm.sentence, advice: alarm.advice }
  const alert = { labels, annotations, startsAt: alarm.since, endsAt: alarm.until ?? endsAt.toISOString() }
  if (alarm.previousSeverity === undefined) return [alert]
  return [{ ...alert, labels: { ...labels, severity: alarm.previousSeverity }, endsAt: alarm.since }, alert]
}

/** A test or a summary, which is over after some minutes. */
function plainAlert({ notification, environment, title, text }: Message, now: Date) {
  return {
    labels: { alertname: `backup-${notification.event}`, severity: 'info', environment },
    annotations: { summary: title, description: text },
    startsAt: now.toISOString(),
    endsAt: new Date(now.getTime() + 300_000).toISOString(),
  }
}
