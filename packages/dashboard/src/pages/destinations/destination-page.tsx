import { Alert, Button, Group, Stack } from '@mantine/core'
import { type Destination, storeKinds } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { ActionButton } from '../../components/action-button.tsx'
import { Facts } from '../../components/facts.tsx'
import { Instant } from '../../components/instant.tsx'
import { ManagedNotice } from '../../components/managed-notice.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { DestinationCheck } from './destination-check.tsx'
import { DestinationForm } from './destination-form.tsx'
import { Reconciling } from './reconciling.tsx'

const t = messages.destinations
const destinationRoute = getRouteApi('/destinations/$destinationId')
const newDestinationRoute = getRouteApi('/destinations/new')
const parents = [{ label: t.title, link: { to: '/destinations' } }] as const

/** One destination: its settings, whether it can be used, and whether it holds what is recorded. */
export function DestinationPage() {
  const { destinationId } = destinationRoute.useParams()
  const { client } = useSession()
  const query = useQuery(queries.destination(client, destinationId))
  const destination = query.data?.value
  return (
    <Page
      title={destination?.name ?? destinationId}
      parents={[...parents]}
      actions={destination && <DestinationActions destination={destination} />}
    >
      <QueryContent query={query} height={500}>
        {({ value, version }) => (
          <Stack gap="lg">
            {value.retiredAt !== undefined && (
              <Alert color="gray" variant="default" title={t.retiredSince}>
                <Instant at={value.retiredAt} />
              </Alert>
            )}
            <ManagedNotice managedBy={value.managedBy} />
            <DestinationFacts destination={value} />
            {value.retiredAt === undefined && <DestinationCheck key={version} destinationId={value.id} />}
            <Reconciling destinationId={value.id} />
            {storeKinds.some((kind) => kind === value.store.kind) ? (
              <DestinationForm key={version} stored={value} version={version} />
            ) : (
              <Alert color="gray" variant="default" title={t.otherKind} />
            )}
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

function DestinationFacts({ destination: { instanceId, store, createdAt } }: { destination: Destination }) {
  return (
    <Facts
      facts={[
        [
          t.columns.instance,
          <TextLink key="instance" to="/instances/$instanceId" params={{ instanceId }}>
            {instanceId}
          </TextLink>,
        ],
        [t.columns.kind, t.kinds[store.kind] ?? store.kind],
        [t.columns.created, <Instant key="created" at={createdAt} />],
      ]}
    />
  )
}

function DestinationActions({ destination: { id, instanceId, retiredAt } }: { destination: Destination }) {
  const { client, hasRole } = useSession()
  const navigate = useNavigate()
  return (
    <Group gap="xs">
      <Button
        variant="default"
        renderRoot={(props) => <Link to="/restore-points" search={{ destination: id }} {...props} />}
      >
        {t.points}
      </Button>
      {retiredAt === undefined && hasRole('operator') && (
        <>
          <ActionButton
            label={t.delete.action}
            confirmation={{ title: t.delete.title, hint: t.delete.hint, confirm: t.delete.action }}
            perform={() => client.destinations.delete(id)}
            affects={['destinations']}
            onDone={() => navigate({ to: '/destinations' })}
          />
          <Button
            renderRoot={(props) => (
              <Link to="/plans/new" search={{ instance: instanceId, destination: id }} {...props} />
            )}
          >
            {t.newPlan}
          </Button>
        </>
      )}
    </Group>
  )
}

/** The form of a destination that does not exist yet. */
export function NewDestinationPage() {
  const { instance, kind } = newDestinationRoute.useSearch()
  return (
    <Page title={t.create} parents={[...parents]}>
      <DestinationForm instanceId={instance} kind={kind} />
    </Page>
  )
}
