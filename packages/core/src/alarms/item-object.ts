import type { AlarmObject } from './alarm.ts'

/** An item as the object of an alarm. */
export const itemOf = (instanceId: string, item: string): AlarmObject => ({
  kind: 'item',
  id: JSON.stringify([instanceId, item]),
  name: item,
})
