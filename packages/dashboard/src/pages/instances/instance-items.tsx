import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ProtectionBadge } from '../../components/badges.tsx'
import { formatCount, formatDuration } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.instances.items

/** The items of an instance: each with its newest good restore point, and how old that may be. */
export function InstanceItems({ instanceId }: { instanceId: string }) {
  const { client } = useSession()
  const items = useQuery(queries.instanceItems(client, instanceId))
  return (
    <Section title={messages.instances.tabs.items}>
      <QueryContent query={items}>
        {(data) =>
          data.length === 0 ? (
            <EmptyNotice title={t.empty} hint={t.emptyHint} />
          ) : (
            <Table.ScrollContainer type="native" minWidth={640} tabIndex={0} role="region" aria-label={t.label}>
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    {[t.name, t.protection, t.newest, t.rpo, t.count, t.proven].map((title) => (
                      <Table.Th key={title}>{title}</Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map(({ name, protection, restorePointCount, lastProvenRestorableAt, lastDrill }) => (
                    <Table.Tr key={name}>
                      <Table.Td>
                        {name}
                        <Text size="xs" c="dimmed">
                          {protection.reason}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <ProtectionBadge state={protection.state} />
                      </Table.Td>
                      <Table.Td>
                        <Instant at={protection.newestRestorePointAt} isRelative />
                      </Table.Td>
                      <Table.Td>
                        {protection.rpoSeconds === undefined ? '–' : formatDuration(protection.rpoSeconds)}
                      </Table.Td>
                      <Table.Td>{formatCount(restorePointCount)}</Table.Td>
                      <Table.Td>
                        {lastProvenRestorableAt === undefined ? (
                          '–'
                        ) : (
                          <Instant at={lastProvenRestorableAt} isRelative />
                        )}
                        {lastDrill?.passed === false && (
                          <Text size="xs">
                            <TextLink to="/jobs/$jobId" params={{ jobId: lastDrill.jobId }}>
                              {t.drillFailed}
                            </TextLink>
                          </Text>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )
        }
      </QueryContent>
    </Section>
  )
}
