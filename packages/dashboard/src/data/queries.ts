import type { BackupClient } from '@osb-backup/client'
import type {
  AlarmQuery,
  InstanceQuery,
  JobQuery,
  List,
  PlanPreviewRequest,
  PlanQuery,
  RestorePointQuery,
  TrendQuery,
} from '@osb-backup/protocol/v1'
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

/** Entries that are read at once of a list that is scrolled. */
const PAGE_SIZE = 100
/** Entries of a list to choose from. */
const MAX_CHOICES = 500
/** The overview judges every instance: it is read again at most so often, whatever changes meanwhile. */
const OVERVIEW_INTERVAL_MS = 30_000

interface Paged {
  cursor?: string | undefined
  limit?: unknown
}

/** The pages of a list, read one after the other. */
function pagesOf<T, Query extends Paged>(
  key: readonly unknown[],
  list: (query: Query, options: { signal: AbortSignal }) => Promise<List<T>>,
  query: Query,
) {
  return infiniteQueryOptions({
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) => list({ ...query, limit: PAGE_SIZE, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor,
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
  instances: (client: BackupClient, query: InstanceQuery) => pagesOf(['instances'], client.instances.list, query),
  instance: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['instances', id], queryFn: ({ signal }) => client.instances.get(id, { signal }) }),
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
  agent: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['agents', id], queryFn: ({ signal }) => client.agents.get(id, { signal }) }),
  plans: (client: BackupClient, query: PlanQuery) => pagesOf(['plans'], client.plans.list, query),
  plan: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['plans', id], queryFn: ({ signal }) => client.plans.getVersioned(id, { signal }) }),
  planPreview: (client: BackupClient, request: PlanPreviewRequest) =>
    queryOptions({
      queryKey: ['plan-previews', request],
      queryFn: ({ signal }) => client.plans.preview(request, { signal }),
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
}
