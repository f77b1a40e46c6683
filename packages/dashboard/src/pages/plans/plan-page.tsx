import { Alert, Button, Group, Stack } from '@mantine/core'
import type { Plan } from '@osb-backup/protocol/v1'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { ActionButton } from '../../components/action-button.tsx'
import { Facts } from '../../components/facts.tsx'
import { Instant } from '../../components/instant.tsx'
import { ManagedNotice } from '../../components/managed-notice.tsx'
import { ActionFailure } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { draftOf, emptyDraft } from './plan-draft.ts'
import { PlanForm } from './plan-form.tsx'
import { PlanKeys } from './plan-keys.tsx'

const t = messages.plans
const planRoute = getRouteApi('/plans/$planId')
const newPlanRoute = getRouteApi('/plans/new')
const parents = [{ label: t.title, link: { to: '/plans' } }] as const

/** One plan: what it does, and the form that changes it. */
export function PlanPage() {
  const { planId } = planRoute.useParams()
  const { client } = useSession()
  const query = useQuery(queries.plan(client, planId))
  const plan = query.data?.value
  return (
    <Page title={plan?.name ?? planId} parents={[...parents]} actions={plan && <PlanActions plan={plan} />}>
      <QueryContent query={query} height={600}>
        {({ value, version }) => (
          <Stack gap="lg">
            <ManagedNotice managedBy={value.managedBy} />
            {value.paused && <Alert color="yellow" variant="default" title={t.pausedNow} />}
            <Facts
              facts={[
                [
                  t.columns.instance,
                  <TextLink key="instance" to="/instances/$instanceId" params={{ instanceId: value.instanceId }}>
                    {value.instanceId}
                  </TextLink>,
                ],
                [t.nextRun, value.nextRunAt && <Instant at={value.nextRunAt} isRelative />],
                [t.retentionDelay, value.retentionEffectiveAt && <Instant at={value.retentionEffectiveAt} />],
              ]}
            />
            <PlanKeys key={value.id} plan={value} version={version} />
            <PlanForm
              key={version}
              draft={draftOf(value)}
              planId={value.id}
              version={version}
              isManaged={value.managedBy !== undefined}
            />
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

/** The form of a plan that does not exist yet. */
export function NewPlanPage() {
  const { instance = '', destination = '' } = newPlanRoute.useSearch()
  return (
    <Page title={t.create} parents={[...parents]}>
      <PlanForm draft={{ ...emptyDraft, instanceId: instance, destinationId: destination }} />
    </Page>
  )
}

function PlanActions({ plan: { id, managedBy } }: { plan: Plan }) {
  const { client, hasRole } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const run = useMutation({
    mutationFn: () => client.plans.run(id),
    onSuccess: async (job) => {
      await cache.invalidateQueries({ queryKey: ['jobs'] })
      await navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })
    },
  })
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button variant="default" renderRoot={(props) => <Link to="/jobs" search={{ plan: id }} {...props} />}>
          {t.jobs}
        </Button>
        <ActionButton
          label={t.delete.action}
          confirmation={{ title: t.delete.title, hint: t.delete.hint, confirm: t.delete.action }}
          perform={() => client.plans.delete(id)}
          affects={['plans', 'instances', 'overview']}
          onDone={() => navigate({ to: '/plans' })}
          isDisabled={!hasRole('operator') || managedBy !== undefined}
        />
        <Button disabled={!hasRole('operator')} loading={run.isPending} onClick={() => run.mutate()}>
          {t.run}
        </Button>
      </Group>
      <ActionFailure error={run.error} />
    </Stack>
  )
}
