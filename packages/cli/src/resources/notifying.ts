import { type Alarm, alarmQuerySchema, type Channel, channelQuerySchema } from '@osb-backup/protocol/v1'
import { styleState } from '../output/style.ts'
import { formatRelative } from '../output/units.ts'
import type { Resource } from './resource.ts'

export const alarmResource: Resource<Alarm> = {
  noun: 'alarm',
  plural: 'alarms',
  calls: ({ alarms }) => ({ get: (id) => alarms.get(id), iterate: (query) => alarms.iterate(query) }),
  querySchema: alarmQuerySchema,
  id: ({ id }) => id,
  columns: ({ style, nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'SEVERITY', cell: ({ severity }) => styleState(style, severity) },
    {
      header: 'STATE',
      cell: ({ state, acknowledgement }) => (state === 'open' && acknowledgement ? 'acknowledged' : state),
    },
    { header: 'SINCE', cell: ({ since }) => formatRelative(since, nowMs) },
    { header: 'KIND', cell: ({ kind }) => kind },
    { header: 'WHAT', cell: ({ sentence }) => sentence, shrinks: true },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId ?? '–', wide: true },
    { header: 'ADVICE', cell: ({ advice }) => advice, wide: true },
  ],
  empty: 'There are no alarms.',
}

export const channelResource: Resource<Channel> = {
  noun: 'channel',
  plural: 'notification channels',
  calls: ({ notificationChannels: channels }) => ({
    get: (id) => channels.get(id),
    iterate: (query) => channels.iterate(query),
  }),
  querySchema: channelQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  columns: ({ nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'KIND', cell: ({ transport }) => transport.kind },
    { header: 'ENABLED', cell: ({ enabled }) => (enabled === false ? 'no' : 'yes') },
    { header: 'RECEIVER', cell: ({ transport }) => receiverOf(transport), shrinks: true },
    { header: 'RULES', cell: ({ rules }) => (rules?.length ? String(rules.length) : 'all alarms') },
    { header: 'CREATED', cell: ({ createdAt }) => formatRelative(createdAt, nowMs), wide: true },
  ],
  empty: 'There are no notification channels. Create one with "osb-backup channel create".',
}

/** Where messages go, as far as it is no secret. */
function receiverOf(transport: Channel['transport']): string {
  switch (transport.kind) {
    case 'email':
      return transport.to.join(',')
    case 'alertmanager':
    case 'webhook':
      return transport.url
    case 'healthchecks':
      return `plan ${transport.planId}`
    default:
      return '–'
  }
}
