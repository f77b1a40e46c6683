import {
  type Agent,
  type AuditEntry,
  agentQuerySchema,
  auditQuerySchema,
  type BrokerAccount,
  brokerAccountQuerySchema,
  type Destination,
  destinationQuerySchema,
  type Instance,
  instanceQuerySchema,
  type Job,
  jobQuerySchema,
  type Plan,
  planQuerySchema,
  type RestorePoint,
  type Retention,
  restorePointQuerySchema,
  type Store,
  type Token,
  tokenQuerySchema,
} from '@osb-backup/protocol/v1'
import { styleState } from '../output/style.ts'
import type { Column } from '../output/table.ts'
import { formatBytes, formatDuration, formatRelative } from '../output/units.ts'
import { cloneResource } from './clones.ts'
import { alarmResource, channelResource, notificationResource } from './notifying.ts'
import type { ColumnContext, Resource } from './resource.ts'
import { provisionedInstanceResource, serviceBrokerResource } from './service-brokers.ts'

const relative = (instant: string | undefined, { nowMs }: ColumnContext) =>
  instant === undefined ? '–' : formatRelative(instant, nowMs)
const items = (names: readonly string[]) => names.join(',')

export const instanceResource: Resource<Instance> = {
  noun: 'instance',
  plural: 'service instances',
  calls: ({ instances }) => ({ get: (id) => instances.get(id), iterate: (query) => instances.iterate(query) }),
  querySchema: instanceQuerySchema,
  id: ({ id }) => id,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id, shrinks: true },
    { header: 'PROTECTION', cell: ({ protection }) => styleState(context.style, protection.state) },
    { header: 'NEWEST', cell: ({ protection }) => relative(protection.newestRestorePointAt, context) },
    { header: 'HOST', cell: ({ hosts }) => hosts.map(({ address }) => address).join(','), shrinks: true },
    {
      header: 'AGENT',
      cell: ({ agentId, otherAgents = [] }) => [agentId ?? '–', ...otherAgents.map((other) => other.agentId)].join(','),
      wide: true,
    },
    { header: 'PACK', cell: ({ pack }) => pack ?? '–', wide: true },
    { header: 'LOCKED', cell: ({ lockedSince }) => relative(lockedSince, context), wide: true },
    { header: 'REASON', cell: ({ protection }) => protection.reason, shrinks: true },
  ],
  empty: 'There are no service instances. Register one with "osb-backup instance create", or let its broker do it.',
}

export const agentResource: Resource<Agent> = {
  noun: 'agent',
  plural: 'agents',
  calls: ({ agents }) => ({ get: (id) => agents.get(id), iterate: (query) => agents.iterate(query) }),
  querySchema: agentQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name ?? '–', shrinks: true },
    { header: 'STATE', cell: ({ state }) => styleState(context.style, state) },
    { header: 'URL', cell: ({ url }) => url, shrinks: true },
    { header: 'VERSION', cell: ({ version }) => version ?? '–' },
    { header: 'INSTANCES', cell: ({ instanceCount }) => String(instanceCount), align: 'right' },
    { header: 'LAST SEEN', cell: ({ lastSeenAt }) => relative(lastSeenAt, context) },
    { header: 'ERROR', cell: ({ error }) => error ?? '', wide: true },
  ],
  empty: 'There are no agents. Register one with "osb-backup agent create".',
}

export const destinationResource: Resource<Destination> = {
  noun: 'destination',
  plural: 'destinations',
  calls: ({ destinations }) => ({ get: (id) => destinations.get(id), iterate: (query) => destinations.iterate(query) }),
  querySchema: destinationQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  instanceId: ({ instanceId }) => instanceId,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'KIND', cell: ({ store }) => store.kind },
    { header: 'LOCATION', cell: ({ store }) => locationOf(store), shrinks: true },
    { header: 'CREATED', cell: ({ createdAt }) => relative(createdAt, context), wide: true },
  ],
  empty: 'There are no destinations. Create one with "osb-backup destination create".',
}

function locationOf(store: Store): string {
  switch (store.kind) {
    case 's3':
      return `${store.endpoint ?? 'Amazon S3'} ${store.bucket}`
    case 'swift':
      return `${store.authUrl} ${store.container}`
    case 'file':
      return store.directory
    default:
      return ''
  }
}

export const planResource: Resource<Plan> = {
  noun: 'plan',
  plural: 'backup plans',
  calls: ({ plans }) => ({ get: (id) => plans.get(id), iterate: (query) => plans.iterate(query) }),
  querySchema: planQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  instanceId: ({ instanceId }) => instanceId,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'ITEMS', cell: coverageOf, shrinks: true },
    { header: 'SCHEDULE', cell: ({ schedule }) => [schedule.cron, schedule.timezone].filter(Boolean).join(' ') },
    { header: 'KEEPS', cell: keeps },
    {
      header: 'NEXT RUN',
      cell: (plan) => (plan.paused ? context.style('yellow', 'paused') : relative(plan.nextRunAt, context)),
    },
    { header: 'DESTINATION', cell: ({ destinationId }) => destinationId, wide: true },
    { header: 'ENCRYPTED', cell: ({ encryption }) => (encryption.publicKey === undefined ? 'no' : 'yes'), wide: true },
  ],
  empty: 'There are no backup plans. Create one with "osb-backup plan create".',
}

const coverageOf = ({ items: covered, excludedItems }: Plan) =>
  excludedItems.length === 0 ? items(covered) : `${items(covered)} but ${items(excludedItems)}`

/** What `--keep` calls the fields of a retention by generations. */
export const generationFields: ReadonlyMap<string, Exclude<keyof Retention, 'style' | 'period'>> = new Map([
  ['last', 'keepLast'],
  ['hourly', 'keepHourly'],
  ['daily', 'keepDaily'],
  ['weekly', 'keepWeekly'],
  ['monthly', 'keepMonthly'],
  ['yearly', 'keepYearly'],
  ['max-age-days', 'maxAgeDays'],
] as const)

/** A retention in words. */
export function keeps({ retention }: Pick<Plan, 'retention'>): string {
  const { style, period } = retention
  if (style === 'gfs') {
    const counts = [...generationFields].flatMap(([name, field]) =>
      retention[field] === undefined ? [] : [`${name}=${retention[field]}`],
    )
    return counts.join(',')
  }
  return style === 'all' ? 'all' : `${period} ${style === 'count' ? 'newest' : style}`
}

export const jobResource: Resource<Job> = {
  noun: 'job',
  plural: 'jobs',
  calls: ({ jobs }) => ({ get: (id) => jobs.get(id), iterate: (query) => jobs.iterate(query) }),
  searchQuery: (q) => ({ q }),
  querySchema: jobQuerySchema,
  id: ({ id }) => id,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'KIND', cell: ({ kind }) => kind },
    { header: 'STATE', cell: ({ state }) => styleState(context.style, state) },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
    { header: 'ITEMS', cell: ({ parts }) => items(parts.map(({ item }) => item)), shrinks: true },
    { header: 'STARTED', cell: (job) => relative(job.startedAt ?? job.createdAt, context) },
    { header: 'DURATION', cell: durationOf, align: 'right' },
    {
      header: 'ERROR',
      cell: ({ parts }) => parts.find(({ error }) => error !== undefined)?.error ?? '',
      shrinks: true,
    },
    { header: 'PLAN', cell: ({ planId }) => planId ?? '–', wide: true },
  ],
  empty: 'There are no jobs.',
}

const durationOf = ({ durationSeconds }: Job) =>
  durationSeconds === undefined ? '–' : formatDuration(durationSeconds * 1000)

export const restorePointResource: Resource<RestorePoint> = {
  noun: 'restore-point',
  plural: 'restore points',
  calls: ({ restorePoints }) => ({
    get: (id) => restorePoints.get(id),
    iterate: (query) => restorePoints.iterate(query),
  }),
  searchQuery: (q) => ({ q }),
  querySchema: restorePointQuerySchema,
  id: ({ id }) => id,
  columns: (context) =>
    [
      { header: 'ID', cell: ({ id }) => id },
      { header: 'INSTANCE', cell: ({ instanceId }) => instanceId, shrinks: true },
      { header: 'ITEM', cell: ({ item }) => item, shrinks: true },
      { header: 'TAKEN', cell: ({ takenAt }) => relative(takenAt, context) },
      { header: 'SIZE', cell: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
      { header: 'STATE', cell: (point) => stateOf(point, context) },
      { header: 'COMPRESSION', cell: ({ compression }) => compression, wide: true },
      { header: 'ENCRYPTED', cell: ({ encrypted }) => (encrypted ? 'yes' : 'no'), wide: true },
      { header: 'OBJECT', cell: ({ objectName }) => objectName, wide: true },
    ] satisfies Column<RestorePoint>[],
  empty: 'There are no restore points.',
}

function stateOf({ deletion, verification, suspicious, held }: RestorePoint, { style }: ColumnContext): string {
  const states = [
    ...(deletion === undefined ? [] : [style('yellow', 'deleting')]),
    ...(verification === undefined ? [] : [styleState(style, verification.state)]),
    ...(suspicious ? [style('yellow', 'suspicious')] : []),
    ...(held ? ['held'] : []),
  ]
  return states.length > 0 ? states.join(',') : 'stored'
}

export const tokenResource: Resource<Token> = {
  noun: 'token',
  plural: 'tokens',
  calls: ({ tokens }) => ({ get: (id) => tokens.get(id), iterate: (query) => tokens.iterate(query) }),
  querySchema: tokenQuerySchema,
  id: ({ id }) => id,
  label: ({ name }) => name,
  columns: (context) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name, shrinks: true },
    { header: 'ROLE', cell: ({ role }) => role },
    { header: 'INSTANCES', cell: ({ instances }) => (instances === 'all' ? 'all' : items(instances)), shrinks: true },
    { header: 'LAST USED', cell: ({ lastUsedAt }) => relative(lastUsedAt, context) },
    { header: 'EXPIRES', cell: ({ expiresAt }) => (expiresAt === undefined ? 'never' : relative(expiresAt, context)) },
  ],
  empty: 'There are no tokens.',
}

export const brokerAccountResource: Resource<BrokerAccount> = {
  noun: 'broker-account',
  plural: 'broker accounts',
  calls: ({ brokerAccounts }) => ({
    get: (name) => brokerAccounts.get(name),
    iterate: (query) => brokerAccounts.iterate(query),
  }),
  querySchema: brokerAccountQuerySchema,
  id: ({ name }) => name,
  columns: (context) => [
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'INSTANCES', cell: ({ instances }) => (instances === 'all' ? 'all' : items(instances)), shrinks: true },
    { header: 'CREATED', cell: ({ createdAt }) => relative(createdAt, context) },
  ],
  empty: 'There are no broker accounts.',
}

export const auditResource: Resource<AuditEntry> = {
  noun: 'audit',
  plural: 'audit entries',
  calls: ({ auditEntries }) => ({ iterate: (query) => auditEntries.iterate(query) }),
  querySchema: auditQuerySchema,
  id: ({ id }) => id,
  columns: (context) => [
    { header: 'WHEN', cell: ({ at }) => relative(at, context) },
    { header: 'CALLER', cell: ({ caller }) => `${caller.kind} ${caller.name}`, shrinks: true },
    { header: 'ACTION', cell: ({ action }) => action, shrinks: true },
    { header: 'STATUS', cell: ({ status }) => String(status), align: 'right' },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId ?? '–', shrinks: true },
    { header: 'ADDRESS', cell: ({ address }) => address },
    { header: 'PATH', cell: ({ path }) => path, wide: true },
  ],
  empty: 'There are no audit entries.',
}

/** The resources whose entries commands name by id or name. */
export const namedResources = {
  instance: instanceResource,
  agent: agentResource,
  destination: destinationResource,
  plan: planResource,
  job: jobResource,
  'restore-point': restorePointResource,
  alarm: alarmResource,
  channel: channelResource,
  notification: notificationResource,
  token: tokenResource,
  'broker-account': brokerAccountResource,
  'service-broker': serviceBrokerResource,
  'provisioned-instance': provisionedInstanceResource,
  clone: cloneResource,
} as const
