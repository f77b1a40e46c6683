import {
  type ProvisionedInstance,
  provisionedInstanceQuerySchema,
  type ServiceBroker,
  serviceBrokerQuerySchema,
} from '@osb-backup/protocol/v1'
import { styleState } from '../output/style.ts'
import { formatRelative } from '../output/units.ts'
import type { Resource } from './resource.ts'

export const serviceBrokerResource: Resource<ServiceBroker> = {
  noun: 'service-broker',
  plural: 'service brokers',
  calls: ({ serviceBrokers }) => ({
    get: (id) => serviceBrokers.get(id),
    iterate: (query) => serviceBrokers.iterate(query),
  }),
  querySchema: serviceBrokerQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  columns: ({ nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'URL', cell: ({ url }) => url, shrinks: true },
    { header: 'SERVICES', cell: ({ services }) => services?.join(',') ?? 'all', shrinks: true },
    {
      header: 'INSTANCES',
      cell: ({ instanceCount, maxInstances }) => `${instanceCount} of ${maxInstances}`,
      align: 'right',
    },
    { header: 'CREATED', cell: ({ createdAt }) => formatRelative(createdAt, nowMs), wide: true },
  ],
  empty: 'There are no service brokers. Register one with "osb-backup service-broker create".',
}

export const provisionedInstanceResource: Resource<ProvisionedInstance> = {
  noun: 'provisioned-instance',
  plural: 'provisioned instances',
  calls: ({ provisionedInstances }) => ({
    get: (id) => provisionedInstances.get(id),
    iterate: (query) => provisionedInstances.iterate(query),
  }),
  querySchema: provisionedInstanceQuerySchema,
  id: ({ id }) => id,
  columns: ({ style, nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'STATE', cell: ({ state }) => styleState(style, state) },
    { header: 'PURPOSE', cell: ({ purpose }) => purpose },
    { header: 'SOURCE', cell: ({ sourceInstanceId }) => sourceInstanceId, shrinks: true },
    { header: 'CREATED', cell: ({ createdAt }) => formatRelative(createdAt, nowMs) },
    { header: 'ERROR', cell: ({ failure, error }) => failure ?? error ?? '', shrinks: true },
    { header: 'JOB', cell: ({ jobId }) => jobId ?? '–', wide: true },
    { header: 'BROKER', cell: ({ serviceBrokerId }) => serviceBrokerId, wide: true },
  ],
  empty: 'There are no provisioned instances.',
}
