/** What an alarm is about. */
export const alarmKinds = [
  'rpo-exceeded',
  'run-missed',
  'run-skipped',
  'run-failed',
  'database-locked',
  'agent-offline',
  'agent-outdated',
  'agent-failing',
  'destination-failing',
  'removal-stuck',
  'suspicious-dump',
  'verification-failed',
  'drill-failed',
  'not-proven',
  'policy-failing',
  'certificate-expiring',
  'token-expiring',
  'credentials-expiring',
  'clock-wrong',
  'disk-nearly-full',
  'database-nearly-full',
  'manager-gone',
  'instance-orphaned',
] as const
export type AlarmKind = (typeof alarmKinds)[number]

/** Least severe first. */
export const alarmSeverities = ['info', 'warning', 'critical'] as const
export type AlarmSeverity = (typeof alarmSeverities)[number]

/** What kind of object an alarm concerns. */
export const alarmObjectKinds = [
  'instance',
  'item',
  'plan',
  'database',
  'agent',
  'destination',
  'certificate',
  'token',
  'clock',
  'manager',
  'provisioned-instance',
] as const
export type AlarmObjectKind = (typeof alarmObjectKinds)[number]
