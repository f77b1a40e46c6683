import type { RestorePoint } from '@osb-backup/protocol/v1'
import * as messages from '../messages/messages.ts'
import { formatBytes } from './formats.ts'
import { Instant } from './instant.tsx'
import { TextLink } from './page.tsx'
import { marksOf } from './point-marks.ts'
import type { Column } from './virtual-table.tsx'

const t = messages.restorePoints

const taken: Column<RestorePoint> = {
  title: t.columns.taken,
  width: 'minmax(150px, 2fr)',
  onPhones: true,
  render: ({ id, takenAt }) => (
    <TextLink to="/restore-points/$pointId" params={{ pointId: id }}>
      <Instant at={takenAt} />
    </TextLink>
  ),
}

const item: Column<RestorePoint> = {
  title: t.columns.item,
  width: 'minmax(0, 2fr)',
  onPhones: true,
  render: (point) => point.item,
}

const others: Column<RestorePoint>[] = [
  { title: t.columns.size, width: '100px', render: ({ sizeBytes }) => formatBytes(sizeBytes) },
  {
    title: t.columns.verified,
    width: '110px',
    render: ({ verification }) => (verification === undefined ? '–' : t.verifications[verification.state]),
  },
  { title: t.columns.marks, width: 'minmax(0, 2fr)', render: (point) => marksOf(point).join(', ') },
  {
    title: messages.restore.title,
    width: '68px',
    onPhones: true,
    render: ({ id, instanceId, item: name, takenAt }) => (
      <TextLink to="/restore" search={{ instance: instanceId, item: name, day: takenAt.slice(0, 10), point: id }}>
        {messages.restore.link}
      </TextLink>
    ),
  },
]

/** The columns of the restore points of one instance. */
export const pointColumns: Column<RestorePoint>[] = [taken, item, ...others]

/** The columns of the restore points of all instances. */
export const allPointColumns: Column<RestorePoint>[] = [
  taken,
  item,
  {
    title: t.columns.instance,
    width: 'minmax(0, 2fr)',
    render: ({ instanceId }) => (
      <TextLink to="/instances/$instanceId" params={{ instanceId }}>
        {instanceId}
      </TextLink>
    ),
  },
  ...others,
]
