import { Alert, Stack, Table, Text } from '@mantine/core'
import type { Reconciliation } from '@osb-backup/protocol/v1'
import { CircleCheck } from 'lucide-react'
import type { ReactNode } from 'react'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { TextLink } from '../../components/page.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.destinations.reconcile
/** Rows of each table; the API lists more. */
const SHOWN = 100

type Findings = NonNullable<Reconciliation['findings']>

/** What a reconciliation found: in numbers, and each object that is not as recorded. */
export function ReconciliationFindings({ findings }: { findings: Findings }) {
  const { orphanCount, incompleteUploadCount, missingCount, adoptedCount, notAdoptedCount } = findings
  const isClean = orphanCount + incompleteUploadCount + missingCount + adoptedCount + notAdoptedCount === 0
  return (
    <Stack gap="md">
      {isClean && <Alert color="green" variant="default" icon={<CircleCheck aria-hidden />} title={t.clean} />}
      <Facts
        facts={[
          [t.counts.objects, formatCount(findings.objectCount)],
          [t.counts.orphans, formatCount(orphanCount)],
          [t.counts.uploads, formatCount(incompleteUploadCount)],
          [t.counts.missing, formatCount(missingCount)],
          [t.counts.adopted, adoptedCount > 0 ? formatCount(adoptedCount) : undefined],
          [t.counts.notAdopted, notAdoptedCount > 0 ? formatCount(notAdoptedCount) : undefined],
          [t.counts.versions, findings.hiddenVersionCount > 0 ? formatCount(findings.hiddenVersionCount) : undefined],
        ]}
      />
      {findings.notListed.map(({ what, problem }) => (
        <Alert key={what} color="yellow" variant="default" title={problem} />
      ))}
      <FindingTable
        title={t.tables.missing}
        total={missingCount}
        rows={findings.missing.map(({ restorePointId, name, state }) => [
          <PointLink key="point" id={restorePointId} name={name} />,
          messages.restorePoints.verifications[state],
        ])}
        columns={[t.columns.name, t.columns.result]}
      />
      <FindingTable
        title={t.tables.orphans}
        total={orphanCount}
        rows={findings.orphans.map(({ name, sizeBytes, modifiedAt, removed, error }) => [
          name,
          formatBytes(sizeBytes),
          <Instant key="modified" at={modifiedAt} />,
          error ?? (removed ? t.removed : t.kept),
        ])}
        columns={[t.columns.name, t.columns.size, t.columns.modified, t.columns.result]}
      />
      <FindingTable
        title={t.tables.incompleteUploads}
        total={incompleteUploadCount}
        rows={findings.incompleteUploads.map(({ name, startedAt, removed, error }) => [
          name,
          <Instant key="started" at={startedAt} />,
          error ?? (removed ? t.removed : t.kept),
        ])}
        columns={[t.columns.name, t.columns.modified, t.columns.result]}
      />
      <FindingTable
        title={t.tables.adopted}
        total={adoptedCount}
        rows={findings.adopted.map(({ restorePointId, name, item }) => [
          <PointLink key="point" id={restorePointId} name={name} />,
          item,
        ])}
        columns={[t.columns.name, messages.restorePoints.columns.item]}
      />
      <FindingTable
        title={t.tables.notAdopted}
        total={notAdoptedCount}
        rows={findings.notAdopted.map(({ name, problem }) => [name, problem])}
        columns={[t.columns.name, t.columns.result]}
      />
    </Stack>
  )
}

const PointLink = ({ id, name }: { id: string; name: string }) => (
  <TextLink to="/restore-points/$pointId" params={{ pointId: id }}>
    {name}
  </TextLink>
)

function FindingTable({
  title,
  total,
  columns,
  rows,
}: {
  title: string
  total: number
  columns: readonly string[]
  rows: readonly ReactNode[][]
}) {
  if (rows.length === 0) return null
  const shown = rows.slice(0, SHOWN)
  return (
    <div>
      <Text fw={600}>{title}</Text>
      <Table.ScrollContainer type="native" minWidth={480} tabIndex={0} role="region" aria-label={title}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((cells, index) => (
              // Several uploads of one object have one name.
              <Table.Tr key={index.toString()}>
                {cells.map((cell, column) => (
                  <Table.Td key={columns[column]} style={{ overflowWrap: 'anywhere' }}>
                    {cell}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {shown.length < total && <Text size="sm">{t.cut(formatCount(shown.length), formatCount(total))}</Text>}
    </div>
  )
}
