import type { BackupClient } from '@osb-backup/client'
import {
  type AgentQuery,
  type AlarmQuery,
  type AuditQuery,
  type BrokerAccountQuery,
  type ChannelQuery,
  type DestinationQuery,
  type InstanceQuery,
  isEnded,
  type JobQuery,
  type List,
  type NotificationQuery,
  type PlanPreviewRequest,
  type PlanQuery,
  type RestorePointQuery,
  type TokenQuery,
  type TrendQuery,
} from '@osb-backup/protocol/v1'
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

/** Entries that are read at once of a list that is scrolled. */
const PAGE_SIZE = 100
/** Pages of such a list that are kept. */
const MAX_PAGES = 4
/** Entries of a list to choose from. */
const MAX_CHOICES = 500
/** The overview judges every instance: it is read again at most so often, whatever changes meanwhile. */
const OVERVIEW_INTERVAL_MS = 30_000
/** Agents are checked twice a minute, and no event says so. */
const AGENT_INTERVAL_MS = 15_000
const RECONCILIATION_INTERVAL_MS = 1000

/** The log of deliveries sends no events. */
const DELIVERIES_INTERVAL_MS = 15_000
/** While a message is being sent. */
const DELIVERY_INTERVAL_MS = 1000

interface Paged {
  cursor?: string | undefined
  limit?: unknown
}

/** Where a page of a list begins, and the page before it: the API's cursors lead forward only. */
export interface PageStart {
  cursor: string | undefined
  /** The place of its first entry in the list: a page that is filtered may have few entries, or none, and others follow. */
  index: number
  previous: PageStart | undefined
}

const firstPage: PageStart = { cursor: undefined, index: 0, previous: undefined }

/**
 * The pages of a list, read one after the other. Of a list that is scrolled far only the pages around the screen are kept: after a
 * change they are read again, all of them, one after the other.
 */
export function pagesOf<T, Query extends Paged>(
  key: readonly unknown[],
  list: (query: Query, options: { signal: AbortSignal }) => Promise<List<T>>,
  query: Query,
) {
  return infiniteQueryOptions({
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) => list({ ...query, limit: PAGE_SIZE, cursor: pageParam.cursor }, { signal }),
    initialPageParam: firstPage,
    getNextPageParam: ({ items, nextCursor }, _pages, last): PageStart | undefined =>
      nextCursor === undefined ? undefined : { cursor: nextCursor, index: last.index + items.length, previous: last },
    getPreviousPageParam: (_page, _pages, first): PageStart | undefined => first.previous,
    maxPages: MAX_PAGES,
  })
}

/** Everything that the pages read, by keys whose first part names the resource: `live-updates.ts` invalidates by it. */
export const queries = {
  version: (client: BackupClient) =>
    queryOptions({ queryKey: ['version'], queryFn: ({ signal }) => client.version({ signal }) }),
  overview: (client: BackupClient) =>
    queryOptions({
      queryKey: ['overview'],
      queryFn: ({ signal }) => client.overview({ signal }),
      refetchInterval: OVERVIEW_INTERVAL_MS,
    }),
  /** Whether what a first backup needs exists already. */
  firstSteps: (client: BackupClient) =>
    queryOptions({
      queryKey: ['plans', 'first-steps'],
      queryFn: async ({ signal }) => {
        const [destinations, plans] = await Promise.all([
          client.destinations.list({ limit: 1 }, { signal }),
          client.plans.list({ limit: 1 }, { signal }),
        ])
        return { hasDestination: destinations.items.length > 0, hasPlan: plans.items.length > 0 }
      },
    }),
  instances: (client: BackupClient, query: InstanceQuery) => pagesOf(['instances'], client.instances.list, query),
  instance: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['instances', id], queryFn: ({ signal }) => client.instances.get(id, { signal }) }),
  /** With the version that is named when it is changed. */
  instanceSettings: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['instances', id, 'settings'],
      queryFn: ({ signal }) => client.instances.getVersioned(id, { signal }),
    }),
  instanceItems: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['instances', id, 'items'],
      queryFn: async ({ signal }) => (await client.instances.listItems(id, { signal })).items,
    }),
  trend: (client: BackupClient, id: string, query: TrendQuery) =>
    queryOptions({
      queryKey: ['trends', id, query],
      queryFn: ({ signal }) => client.instances.trend(id, query, { signal }),
    }),
  agents: (client: BackupClient, query: AgentQuery) => pagesOf(['agents'], client.agents.list, query),
  agent: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['agents', id],
      queryFn: ({ signal }) => client.agents.getVersioned(id, { signal }),
      refetchInterval: AGENT_INTERVAL_MS,
    }),
  plans: (client: BackupClient, query: PlanQuery) => pagesOf(['plans'], client.plans.list, query),
  plansOf: (client: BackupClient, instance: string) =>
    queryOptions({
      queryKey: ['plans', 'of', instance],
      queryFn: async ({ signal }) => (await client.plans.list({ instance, limit: MAX_CHOICES }, { signal })).items,
    }),
  plan: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['plans', id], queryFn: ({ signal }) => client.plans.getVersioned(id, { signal }) }),
  planPreview: (client: BackupClient, request: PlanPreviewRequest) =>
    queryOptions({
      queryKey: ['plan-previews', request],
      queryFn: ({ signal }) => client.plans.preview(request, { signal }),
    }),
  destinations: (client: BackupClient, query: DestinationQuery) =>
    pagesOf(['destinations'], client.destinations.list, query),
  destination: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['destinations', id],
      queryFn: ({ signal }) => client.destinations.getVersioned(id, { signal }),
    }),
  reconciliation: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['reconciliations', id],
      queryFn: ({ signal }) => client.reconciliations.get(id, { signal }),
      refetchInterval: ({ state }) =>
        state.data === undefined || isEnded(state.data.state) ? false : RECONCILIATION_INTERVAL_MS,
    }),
  destinationsOf: (client: BackupClient, instance: string) =>
    queryOptions({
      queryKey: ['destinations', 'of', instance],
      queryFn: async ({ signal }) =>
        (await client.destinations.list({ instance, retired: 'false', limit: MAX_CHOICES }, { signal })).items,
    }),
  jobs: (client: BackupClient, query: JobQuery) => pagesOf(['jobs'], client.jobs.list, query),
  newestJobs: (client: BackupClient, query: JobQuery) =>
    queryOptions({
      queryKey: ['jobs', 'newest', query],
      queryFn: async ({ signal }) => (await client.jobs.list(query, { signal })).items,
    }),
  job: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['jobs', id], queryFn: ({ signal }) => client.jobs.get(id, { signal }) }),
  jobLogs: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['jobs', id, 'logs'],
      queryFn: async ({ signal }) => (await client.jobs.logs(id, { signal })).items,
    }),
  restorePoints: (client: BackupClient, query: RestorePointQuery) =>
    pagesOf(['restore-points'], client.restorePoints.list, query),
  restorePoint: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['restore-points', id],
      queryFn: ({ signal }) => client.restorePoints.get(id, { signal }),
    }),
  pointsOfItem: (client: BackupClient, query: RestorePointQuery) =>
    queryOptions({
      queryKey: ['restore-points', 'of-item', query],
      queryFn: async ({ signal }) => (await client.restorePoints.list(query, { signal })).items,
    }),
  openAlarms: (client: BackupClient, query: AlarmQuery) =>
    queryOptions({
      queryKey: ['alarms', 'open', query],
      queryFn: async ({ signal }) => (await client.alarms.list({ ...query, state: 'open' }, { signal })).items,
    }),
  alarms: (client: BackupClient, query: AlarmQuery) => pagesOf(['alarms'], client.alarms.list, query),
  channels: (client: BackupClient, query: ChannelQuery) =>
    pagesOf(['channels'], client.notificationChannels.list, query),
  channelChoices: (client: BackupClient) =>
    queryOptions({
      queryKey: ['channels', 'choices'],
      queryFn: async ({ signal }) => (await client.notificationChannels.list({ limit: MAX_CHOICES }, { signal })).items,
    }),
  channel: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['channels', id],
      queryFn: ({ signal }) => client.notificationChannels.getVersioned(id, { signal }),
    }),
  notifications: (client: BackupClient, query: NotificationQuery) => ({
    ...pagesOf(['notifications'], client.notifications.list, query),
    refetchInterval: DELIVERIES_INTERVAL_MS,
  }),
  /** A message until it was delivered, or an attempt failed. */
  notification: (client: BackupClient, id: string) =>
    queryOptions({
      queryKey: ['notifications', 'one', id],
      queryFn: ({ signal }) => client.notifications.get(id, { signal }),
      refetchInterval: ({ state: { data } }) =>
        data?.state === 'waiting' || data === undefined ? DELIVERY_INTERVAL_MS : false,
    }),
  tokens: (client: BackupClient, query: TokenQuery) => pagesOf(['tokens'], client.tokens.list, query),
  brokerAccounts: (client: BackupClient, query: BrokerAccountQuery) =>
    pagesOf(['broker-accounts'], client.brokerAccounts.list, query),
  brokerAccount: (client: BackupClient, name: string) =>
    queryOptions({
      queryKey: ['broker-accounts', 'one', name],
      queryFn: ({ signal }) => client.brokerAccounts.get(name, { signal }),
    }),
  auditEntries: (client: BackupClient, query: AuditQuery) =>
    pagesOf(['audit-entries'], client.auditEntries.list, query),
  limits: (client: BackupClient) =>
    queryOptions({ queryKey: ['limits'], queryFn: ({ signal }) => client.limits({ signal }) }),
  managers: (client: BackupClient) =>
    queryOptions({
      queryKey: ['managers'],
      queryFn: ({ signal }) => client.managers({ signal }),
      refetchInterval: OVERVIEW_INTERVAL_MS,
    }),
}
