import { Anchor, List, Table, Text } from '@mantine/core'
import type { CallerInfo, Limits, Manager } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount, formatDuration } from '../../components/formats.ts'
import { grantsInWords } from '../../components/instances-field.tsx'
import { Instant } from '../../components/instant.tsx'
import { Page } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.about

/** The installation: which versions run, who you are to it, and what it allows. */
export function AboutPage() {
  const { client, caller } = useSession()
  const version = useQuery(queries.version(client))
  const limits = useQuery(queries.limits(client))
  return (
    <Page title={t.title}>
      <Section title={t.version}>
        <QueryContent query={version} height={48}>
          {(data) => (
            <Facts
              facts={[
                [t.facts.manager, data.version],
                [t.facts.api, data.apiVersions.join(', ')],
                [t.facts.skew, data.clockSkewSeconds === undefined ? t.noSkew : skewInWords(data.clockSkewSeconds)],
              ]}
            />
          )}
        </QueryContent>
      </Section>
      <You caller={caller} />
      <Managers />
      <Section title={t.limits}>
        <Text size="sm" c="dimmed" mb="sm">
          {t.limitsHint}
        </Text>
        <QueryContent query={limits} height={360}>
          {(data) => <LimitTable limits={data} />}
        </QueryContent>
      </Section>
      <Section title={t.links}>
        <List spacing="xs" fz="sm">
          <List.Item>
            <Anchor href="/docs">{t.linkList.api}</Anchor>
          </List.Item>
          <List.Item>
            <Anchor href="/openapi.json">{t.linkList.openApi}</Anchor>
          </List.Item>
          <List.Item>{t.linkList.docs}</List.Item>
          <List.Item>{t.linkList.metrics}</List.Item>
        </List>
      </Section>
    </Page>
  )
}

/** The session: what the caller may do, and what not. */
function You({ caller: { name, role, permissions, instances, expiresAt } }: { caller: CallerInfo }) {
  const permitted = permissions.map((each) => messages.access.permissions[each]).join(', ')
  return (
    <Section title={t.you}>
      <Facts
        facts={[
          [t.youFacts.name, name],
          [t.youFacts.role, messages.access.roles[role]],
          [t.youFacts.permissions, permitted === '' ? t.noPermissions : permitted],
          [t.youFacts.instances, grantsInWords(instances)],
          [t.youFacts.expires, expiresAt === undefined ? messages.access.never : <Instant key="at" at={expiresAt} />],
        ]}
      />
      <Text size="sm" mt="sm">
        {t.roleLimits[role]}
      </Text>
    </Section>
  )
}

function Managers() {
  const { client, caller, hasRole } = useSession()
  const isAllowed = hasRole('operator') && caller.instances === 'all'
  const managers = useQuery({ ...queries.managers(client), enabled: isAllowed })
  return (
    <Section title={t.managers}>
      {isAllowed ? (
        <QueryContent query={managers} height={80}>
          {(items) => (items.length === 0 ? <Text size="sm">{t.noManagers}</Text> : <ManagerTable managers={items} />)}
        </QueryContent>
      ) : (
        <Text size="sm">{t.managersRestricted}</Text>
      )}
    </Section>
  )
}

function ManagerTable({ managers }: { managers: readonly Manager[] }) {
  return (
    <Table.ScrollContainer minWidth={560} type="native" tabIndex={0} role="group" aria-label={t.managersLabel}>
      <Table aria-label={t.managersLabel}>
        <Table.Thead>
          <Table.Tr>
            {Object.values(t.managerColumns).map((title) => (
              <Table.Th key={title}>{title}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {managers.map(({ id, name, version, reportedAt, clockSkewSeconds, diskFreeBytes, diskSizeBytes }) => (
            <Table.Tr key={id}>
              <Table.Td>{name}</Table.Td>
              <Table.Td>{version}</Table.Td>
              <Table.Td>
                <Instant at={reportedAt} isRelative />
              </Table.Td>
              <Table.Td>{skewInWords(clockSkewSeconds ?? 0)}</Table.Td>
              <Table.Td>
                {diskFreeBytes !== undefined &&
                  diskSizeBytes !== undefined &&
                  t.diskOf(formatBytes(diskFreeBytes), formatBytes(diskSizeBytes))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function LimitTable({ limits }: { limits: Limits }) {
  const names = Object.keys(t.limitNames) as (keyof Limits)[]
  return (
    <Table aria-label={t.limits} variant="vertical" layout="fixed">
      <Table.Tbody>
        {names.map((name) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" w="60%">
              {t.limitNames[name]}
            </Table.Th>
            <Table.Td>{limitInWords(name, limits[name])}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function limitInWords(name: keyof Limits, value: number | undefined): string {
  if (value === undefined) return t.unlimited
  if (name === 'deletionGraceSeconds' && value === 0) return t.atOnce
  return name.endsWith('Seconds') ? formatDuration(value) : formatCount(value)
}

function skewInWords(seconds: number): string {
  if (seconds === 0) return t.skewOk
  return seconds > 0 ? t.aheadBy(formatDuration(seconds)) : t.behindBy(formatDuration(-seconds))
}
