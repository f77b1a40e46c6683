import type { AlarmKind, AlarmObjectKind, AlarmSeverity } from '@osb-backup/protocol'

/** What an alarm concerns. With the kind of the alarm it identifies the alarm: at most one of a kind is open for an object. */
export interface AlarmObject {
  kind: AlarmObjectKind
  /** Unique among the objects of its kind. */
  id: string
  /** For people. */
  name: string
}

/** Something that is wrong now, or about to be. */
export interface Condition {
  kind: AlarmKind
  object: AlarmObject
  /** The service instance that it belongs to; undefined: it concerns the installation. */
  instanceId: string | undefined
  planId: string | undefined
  /** `bad` raises an alarm. `borderline` neither raises nor resolves one, so that a value near a limit does not flap. */
  level: 'bad' | 'borderline'
  severity: AlarmSeverity
  /** What is wrong. */
  sentence: string
  /** What to do. */
  advice: string
}

/** An alarm that is open, or may be about to be raised, as it is stored between two evaluations. */
export interface AlarmState extends Omit<Condition, 'level'> {
  /** Whether it was raised; otherwise its condition was not bad for long enough yet. */
  isRaised: boolean
  /** In how many evaluations in a row the condition was bad. */
  badCount: number
  /** In how many evaluations in a row there was no condition. */
  goodCount: number
}

/** What identifies an open alarm. */
export function alarmKey({ kind, object }: Pick<Condition, 'kind' | 'object'>): string {
  return JSON.stringify([kind, object.kind, object.id])
}
