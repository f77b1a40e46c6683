import { Button, Group, Stack, Text } from '@mantine/core'
import type { Overview } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Circle, CircleCheck } from 'lucide-react'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.overview.checklist

const steps = [
  { name: 'agent', to: '/agents/new', role: 'admin' },
  { name: 'instance', to: '/instances/new', role: 'admin' },
  { name: 'destination', to: '/destinations/new', role: 'operator' },
  { name: 'plan', to: '/plans/new', role: 'operator' },
  { name: 'backup', to: '/plans', role: 'viewer' },
] as const

/** What is needed until the first restore point exists: each step links to its form. */
export function Checklist({ overview: { agents, instances } }: { overview: Overview }) {
  const { client, hasRole } = useSession()
  const { data: created } = useQuery(queries.firstSteps(client))
  const isDone = {
    agent: agents.reachable + agents.unreachable + agents.unknown > 0,
    instance: instances.total > 0,
    destination: created?.hasDestination ?? false,
    plan: created?.hasPlan ?? false,
    backup: false,
  }
  const next = steps.find(({ name }) => !isDone[name])
  return (
    <Section title={t.title}>
      <Text size="sm" mb="sm">
        {t.hint}
      </Text>
      <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
        {steps.map(({ name, to, role }) => {
          const Icon = isDone[name] ? CircleCheck : Circle
          return (
            <Group key={name} component="li" gap="sm">
              <Icon size={18} role="img" aria-label={isDone[name] ? t.done : t.open} />
              <Text size="sm">{t.steps[name].text}</Text>
              {!isDone[name] && hasRole(role) && (
                <Button
                  size="xs"
                  variant={name === next?.name ? 'filled' : 'default'}
                  renderRoot={(props) => <Link to={to} {...props} />}
                >
                  {t.steps[name].action}
                </Button>
              )}
            </Group>
          )
        })}
      </Stack>
    </Section>
  )
}
