import { Alert, Badge, Group, Stack, Table, Text } from '@mantine/core'
import type { Agent } from '@osb-backup/protocol/v1'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.agents.packs

type Pack = Agent['packs'][number]

/** The script packs that an agent reported, with their parameters. */
export function AgentPacks({ agent: { packs, capabilities } }: { agent: Agent }) {
  return (
    <Section title={t.title}>
      <Stack gap="lg">
        {packs.length === 0 && <Text size="sm">{t.empty}</Text>}
        {packs.map((pack) => (
          <PackEntry key={pack.name} pack={pack} />
        ))}
        {capabilities.length > 0 && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {t.capabilities}: {capabilities.join(', ')}
          </Text>
        )}
      </Stack>
    </Section>
  )
}

function PackEntry({ pack: { name, form, type, description, stages, parameters, problem } }: { pack: Pack }) {
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Text fw={600}>{name}</Text>
        <Badge variant="default" tt="none" fw={500}>
          {t.form(form)}
        </Badge>
        {type !== undefined && <Text size="sm">{type}</Text>}
      </Group>
      {problem !== undefined && <Alert color="red" variant="default" title={problem} />}
      {description !== undefined && <Text size="sm">{description}</Text>}
      <Text size="sm">
        {t.stages}: {stages.join(', ')}
      </Text>
      {parameters.length > 0 && <Parameters parameters={parameters} label={`${t.parameters} ${name}`} />}
    </Stack>
  )
}

function Parameters({ parameters, label }: { parameters: Pack['parameters']; label: string }) {
  return (
    <Table.ScrollContainer type="native" minWidth={560} tabIndex={0} role="region" aria-label={label}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {Object.values(t.columns).map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parameters.map((parameter) => (
            <Table.Tr key={parameter.name}>
              <Table.Td>{parameter.name}</Table.Td>
              <Table.Td>
                {parameter.values?.join(', ') ?? parameter.type}
                {parameter.required && ` (${t.required})`}
              </Table.Td>
              <Table.Td>{parameter.default?.toString() ?? '–'}</Table.Td>
              <Table.Td>{parameter.description}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
