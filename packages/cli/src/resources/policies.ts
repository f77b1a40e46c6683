import {
  type Policy,
  type PolicyAssignment,
  type PolicyExemption,
  policyAssignmentQuerySchema,
  policyExemptionQuerySchema,
  policyQuerySchema,
} from '@osb-backup/protocol/v1'
import { formatRelative } from '../output/units.ts'
import type { Resource } from './resource.ts'
import { keeps } from './resources.ts'

export const policyResource: Resource<Policy> = {
  noun: 'policy',
  plural: 'policies',
  calls: ({ policies }) => ({ get: (id) => policies.get(id), iterate: (query) => policies.iterate(query) }),
  querySchema: policyQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  columns: ({ nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'PRIORITY', cell: ({ priority }) => String(priority), align: 'right' },
    { header: 'SELECTS', cell: ({ selector }) => (selector === undefined ? '–' : selects(selector)), shrinks: true },
    { header: 'SCHEDULE', cell: ({ template }) => template?.schedule.cron ?? '–' },
    { header: 'KEEPS', cell: ({ template }) => (template === undefined ? '–' : keeps(template)) },
    { header: 'FLOOR', cell: floorOf, shrinks: true },
    { header: 'DESCRIPTION', cell: ({ description }) => description ?? '', wide: true },
    { header: 'CREATED', cell: ({ createdAt }) => formatRelative(createdAt, nowMs), wide: true },
  ],
  empty: 'There are no policies. Create one with "osb-backup policy create".',
}

const selects = (selector: NonNullable<Policy['selector']>) =>
  Object.entries(selector)
    .flatMap(([field, patterns]) => (patterns === undefined ? [] : [`${field}=${patterns.join(',')}`]))
    .join(' ')

function floorOf({ floor }: Policy): string {
  const { minimumRetentionDays: days, encryptionRequired, allowedDestinations } = floor ?? {}
  const parts = [
    days === undefined ? '' : `${days} days`,
    encryptionRequired ? 'encrypted' : '',
    allowedDestinations === undefined ? '' : `${allowedDestinations.length} destinations`,
  ]
  return parts.filter(Boolean).join(', ') || '–'
}

export const policyExemptionResource: Resource<PolicyExemption> = {
  noun: 'exemption',
  plural: 'exemptions',
  calls: ({ policyExemptions: exemptions }) => ({
    get: (id) => exemptions.get(id),
    iterate: (query) => exemptions.iterate(query),
  }),
  querySchema: policyExemptionQuerySchema,
  id: ({ id }) => id,
  label: ({ instanceId }) => instanceId,
  columns: ({ nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'EXPIRES', cell: ({ expiresAt }) => formatRelative(expiresAt, nowMs) },
    { header: 'BY', cell: ({ exemptedBy }) => exemptedBy, shrinks: true },
    { header: 'REASON', cell: ({ reason }) => reason, shrinks: true },
  ],
  empty: 'No service instance is exempt.',
}

export const policyAssignmentResource: Resource<PolicyAssignment> = {
  noun: 'policy assignment',
  plural: 'policy assignments',
  calls: ({ policyAssignments }) => ({ iterate: (query) => policyAssignments.iterate(query) }),
  querySchema: policyAssignmentQuerySchema,
  id: ({ instanceId }) => instanceId,
  columns: ({ style, nowMs }) => [
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'POLICY', cell: ({ policyName }) => policyName ?? '–', shrinks: true },
    { header: 'PLAN', cell: ({ planId }) => planId ?? '–' },
    {
      header: 'EXEMPT',
      cell: ({ exemptUntil }) => (exemptUntil === undefined ? 'no' : `ends ${formatRelative(exemptUntil, nowMs)}`),
    },
    {
      header: 'PROBLEM',
      cell: ({ problem, violations }) => {
        const found = problem ?? violations[0]?.message
        return found === undefined ? '' : style('yellow', found)
      },
      shrinks: true,
    },
  ],
  empty: 'There are no service instances.',
}
