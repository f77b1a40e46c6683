import { type AlarmKind, alarmSeverities } from '@osb-backup/protocol'
import { type AlarmState, alarmKey, type Condition } from './alarm.ts'
import type { AlarmFacts } from './alarm-facts.ts'
import { conditionsOf } from './conditions.ts'

/** How many evaluations in a row must find a condition bad before its alarm is raised. */
const raiseAfter: Partial<Record<AlarmKind, number>> = { 'agent-offline': 2, 'disk-nearly-full': 2 }
/** How many evaluations in a row must find nothing before an alarm is resolved. */
const RESOLVE_AFTER = 2

/** What one evaluation changes. */
export interface AlarmChanges {
  /** States to store: new ones, and those that changed. Those that were not raised before and are now are in `raised` too. */
  stored: AlarmState[]
  raised: AlarmState[]
  resolved: AlarmState[]
  /** Never raised, and not wrong any more. */
  dropped: AlarmState[]
}

/**
 * Decides which alarms are raised, continue and are resolved. An alarm is raised once its condition was bad in enough
 * evaluations in a row, and resolved once there was no condition in enough of them. Evaluations are counted, not timed: neither
 * a clock that was set nor a pause of all managers raises or resolves anything. The severity of an open alarm never falls.
 *
 * @param states - What the evaluation before stored, without what it resolved or dropped.
 */
export function alarmsOf(facts: AlarmFacts, states: readonly AlarmState[]): AlarmChanges {
  return nextAlarms(conditionsOf(facts), states)
}

/** The same for conditions that were found. Of several with one key the most severe counts. */
export function nextAlarms(conditions: readonly Condition[], states: readonly AlarmState[]): AlarmChanges {
  const found = new Map<string, Condition>()
  for (const condition of conditions) {
    const other = found.get(alarmKey(condition))
    if (other === undefined || rankOf(condition) > rankOf(other)) found.set(alarmKey(condition), condition)
  }
  const changes: AlarmChanges = { stored: [], raised: [], resolved: [], dropped: [] }
  for (const state of states) {
    const condition = found.get(alarmKey(state))
    found.delete(alarmKey(state))
    if (condition === undefined) withoutCondition(state, changes)
    else withCondition(state, condition, changes)
  }
  for (const condition of found.values()) {
    if (condition.level === 'bad') withCondition(undefined, condition, changes)
  }
  return changes
}

/** Of two conditions of one object, a bad one before a borderline one, then by severity. */
function rankOf({ level, severity }: Condition): number {
  return (level === 'bad' ? alarmSeverities.length : 0) + alarmSeverities.indexOf(severity)
}

function withoutCondition(state: AlarmState, changes: AlarmChanges): void {
  const next = { ...state, badCount: 0, goodCount: state.goodCount + 1 }
  if (!state.isRaised) changes.dropped.push(next)
  else if (next.goodCount >= RESOLVE_AFTER) changes.resolved.push(next)
  else changes.stored.push(next)
}

function withCondition(state: AlarmState | undefined, { level, ...condition }: Condition, changes: AlarmChanges): void {
  if (level === 'borderline') {
    if (state !== undefined) changes.stored.push({ ...state, badCount: 0, goodCount: 0 })
    return
  }
  const badCount = (state?.badCount ?? 0) + 1
  const isRaised = state?.isRaised === true || badCount >= (raiseAfter[condition.kind] ?? 1)
  const severity = worseOf(condition.severity, state?.isRaised === true ? state.severity : condition.severity)
  const next = { ...condition, severity, isRaised, badCount, goodCount: 0 }
  changes.stored.push(next)
  if (isRaised && state?.isRaised !== true) changes.raised.push(next)
}

function worseOf(one: Condition['severity'], other: Condition['severity']): Condition['severity'] {
  return alarmSeverities.indexOf(one) >= alarmSeverities.indexOf(other) ? one : other
}
