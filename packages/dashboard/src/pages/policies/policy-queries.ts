import type { BackupClient } from '@osb-backup/client'
import type {
  PolicyAssignment,
  PolicyAssignmentQuery,
  PolicyExemptionQuery,
  PolicyQuery,
} from '@osb-backup/protocol/v1'
import { queryOptions } from '@tanstack/react-query'
import { pagesOf } from '../../data/queries.ts'

/** Policies are applied within a minute, and no event says so. */
const ASSIGNMENTS_INTERVAL_MS = 10_000
const MAX_VIOLATIONS = 100

/** What the pages about policies read. */
export const policyQueries = {
  policies: (client: BackupClient, query: PolicyQuery) => pagesOf(['policies'], client.policies.list, query),
  policy: (client: BackupClient, id: string) =>
    queryOptions({ queryKey: ['policies', id], queryFn: ({ signal }) => client.policies.getVersioned(id, { signal }) }),
  assignments: (client: BackupClient, query: PolicyAssignmentQuery) => ({
    ...pagesOf(
      ['policy-assignments'],
      async (page: PolicyAssignmentQuery, options: { signal: AbortSignal }) => {
        const { items, ...rest } = await client.policyAssignments.list(page, options)
        return { ...rest, items: items.map(withId) }
      },
      query,
    ),
    refetchInterval: ASSIGNMENTS_INTERVAL_MS,
  }),
  violating: (client: BackupClient) =>
    queryOptions({
      queryKey: ['policy-assignments', 'violating'],
      queryFn: async ({ signal }) =>
        (await client.policyAssignments.list({ state: 'violating', limit: MAX_VIOLATIONS }, { signal })).items,
    }),
  exemptions: (client: BackupClient, query: PolicyExemptionQuery) =>
    pagesOf(['policy-exemptions'], client.policyExemptions.list, query),
}

/** Tables identify their rows by an id. */
const withId = (assignment: PolicyAssignment) => ({ ...assignment, id: assignment.instanceId })
export type AssignmentRow = ReturnType<typeof withId>
