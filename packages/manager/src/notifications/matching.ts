import { instantOf, wallTime } from '@osb-backup/core'
import { type AlarmSeverity, alarmSeverities } from '@osb-backup/protocol'
import type { NotificationRule } from '@osb-backup/protocol/v1'
import type { QuietHours } from './channel.ts'

/** What rules are compared with. */
export interface MatchedAlarm {
  kind: string
  severity: AlarmSeverity
  instanceId: string | undefined
  organizationGuid: string | undefined
  spaceGuid: string | undefined
}

/** Whether an alarm matches one of the rules of a channel; without any rule every alarm does. */
export function matchesRules(alarm: MatchedAlarm, rules: readonly NotificationRule[]): boolean {
  return rules.length === 0 || rules.some((rule) => matchesRule(alarm, rule))
}

function matchesRule(alarm: MatchedAlarm, rule: NotificationRule): boolean {
  const { instances, organizationGuid, spaceGuid, minimumSeverity = 'info', kinds } = rule
  const includes = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value))
  return (
    includes(instances, alarm.instanceId) &&
    includes(kinds, alarm.kind) &&
    (organizationGuid === undefined || organizationGuid === alarm.organizationGuid) &&
    (spaceGuid === undefined || spaceGuid === alarm.spaceGuid) &&
    alarmSeverities.indexOf(alarm.severity) >= alarmSeverities.indexOf(minimumSeverity)
  )
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** When the quiet hours that it is now are over; undefined: it is none. Hours that end when they begin are none. */
export function quietUntil(now: Date, { from, until, timezone }: QuietHours): Date | undefined {
  const wall = wallTime(now, timezone)
  const minute = wall.getUTCHours() * 60 + wall.getUTCMinutes()
  const [begin, end] = [minutesOf(from), minutesOf(until)]
  const isQuiet = begin <= end ? begin <= minute && minute < end : begin <= minute || minute < end
  if (!isQuiet) return undefined
  const midnightMs = Math.floor(wall.getTime() / DAY_MS) * DAY_MS
  const endsAt = midnightMs + end * MINUTE_MS + (minute < end ? 0 : DAY_MS)
  return instantOf(new Date(endsAt), timezone)
}

function minutesOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}
