import type { AlarmContent, Notification } from './channel.ts'

/** A notification in words, for all channels. */
export interface Message {
  notification: Notification
  /** Which installation it comes from. */
  environment: string
  title: string
  /** Plain text, several lines. */
  text: string
}

/** Puts a notification into words. */
export function messageOf(notification: Notification, environment: string): Message {
  const { title, lines } = wordsOf(notification)
  const text = [...lines, '', `Environment: ${environment}`].join('\n')
  return { notification, environment, title: `[${environment}] ${title}`, text }
}

function wordsOf({ event, content }: Notification): { title: string; lines: string[] } {
  const { alarm, summary } = content
  if (summary !== undefined) {
    const { openAlarms, total } = summary
    const rest = total - openAlarms.length
    return {
      title:
        total === 0
          ? 'Summary: no alarm is open'
          : `Summary: ${total === 1 ? 'one alarm is' : `${total} alarms are`} open`,
      lines: [
        ...openAlarms.map(({ severity, since, sentence }) => `${severity.toUpperCase()} since ${since}: ${sentence}`),
        ...(rest > 0 ? [`… and ${rest} more.`] : []),
      ],
    }
  }
  if (alarm === undefined) {
    return event === 'test'
      ? { title: 'Test', lines: ['This is a test message of the backup manager. Nothing is wrong.'] }
      : { title: `Backup ${event}`, lines: [`The backup job ${content.jobId} of ${content.instanceId} ${event}.`] }
  }
  return { title: titleOf(event, alarm), lines: linesOf(alarm) }
}

/** The same for all messages of an alarm but for the first word, so that mail programs see one thread. */
function titleOf(event: string, { kind, severity, object }: AlarmContent): string {
  return `${event === 'resolved' ? 'RESOLVED' : severity.toUpperCase()}: ${kind} ${object.name}`
}

function linesOf({ sentence, advice, since, until, instanceId }: AlarmContent): string[] {
  return [
    sentence,
    ...(until === undefined ? [advice] : []),
    '',
    ...(instanceId === undefined ? [] : [`Service instance: ${instanceId}`]),
    `Since: ${since}`,
    ...(until === undefined ? [] : [`Resolved: ${until}`]),
  ]
}
