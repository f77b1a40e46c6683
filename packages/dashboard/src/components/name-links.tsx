import { useQuery } from '@tanstack/react-query'
import { queries } from '../data/queries.ts'
import { useSession } from '../session/session.tsx'
import { TextLink } from './page.tsx'

/** A link to a destination, under its name. Deleted ones still have a page. */
export function DestinationLink({ destinationId }: { destinationId: string }) {
  const { client } = useSession()
  const { data } = useQuery(queries.destination(client, destinationId))
  return (
    <TextLink to="/destinations/$destinationId" params={{ destinationId }}>
      {data?.value.name ?? destinationId}
    </TextLink>
  )
}

/** A link to a plan of an instance, under its name; only its id if it was deleted. */
export function PlanLink({ planId, instanceId }: { planId: string; instanceId: string }) {
  const { client } = useSession()
  const { data } = useQuery(queries.plansOf(client, instanceId))
  const plan = data?.find(({ id }) => id === planId)
  if (data !== undefined && plan === undefined) return <span>{planId}</span>
  return (
    <TextLink to="/plans/$planId" params={{ planId }}>
      {plan?.name ?? planId}
    </TextLink>
  )
}
