import type { AlarmState } from '@osb-backup/core'

/** An alarm that is stored; open while it has no `until`. */
export interface StoredAlarmState extends AlarmState {
  id: string
  /** When it was raised; undefined: it was not. */
  since?: Date | undefined
}

/** An alarm that was raised. */
export interface Alarm
  extends Pick<AlarmState, 'kind' | 'severity' | 'object' | 'instanceId' | 'planId' | 'sentence' | 'advice'> {
  id: string
  since: Date
  /** Undefined: it is open. */
  until: Date | undefined
  /** Undefined: nobody has acknowledged it. */
  acknowledgement: { at: Date; by: string } | undefined
}
