import {
  type Alarm,
  alarmQuerySchema,
  type Channel,
  channelQuerySchema,
  type Notification,
  notificationQuerySchema,
} from '@osb-backup/protocol/v1'
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

export const notificationResource: Resource<Notification> = {
  noun: 'notification',
  plural: 'notifications',
  calls: ({ notifications }) => ({
    get: (id) => notifications.get(id),
    iterate: (query) => notifications.iterate(query),
  }),
  querySchema: notificationQuerySchema,
  id: ({ id }) => id,
  columns: ({ style, nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'EVENT', cell: ({ event }) => event },
    { header: 'STATE', cell: ({ state }) => styleState(style, state) },
    { header: 'WHEN', cell: ({ createdAt }) => formatRelative(createdAt, nowMs) },
    { header: 'ATTEMPTS', cell: ({ attempts }) => String(attempts), align: 'right' },
    { header: 'CHANNEL', cell: ({ channelId }) => channelId, shrinks: true },
    { header: 'ERROR', cell: ({ error }) => error ?? '', shrinks: true },
    { header: 'ALARM', cell: ({ alarmId }) => alarmId ?? '–', wide: true },
  ],
  empty: 'There are no notifications.',
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
