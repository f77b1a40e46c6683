import type { Job } from '@osb-backup/protocol/v1'
import { JobStateBadge } from '../../components/badges.tsx'
import { formatDuration } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { TextLink } from '../../components/page.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.jobs

/** The columns of every table of jobs. */
export const jobColumns: Column<Job>[] = [
  {
    title: t.columns.state,
    width: '130px',
    onPhones: true,
    render: ({ state }) => <JobStateBadge state={state} />,
  },
  {
    title: t.columns.id,
    width: 'minmax(0, 3fr)',
    onPhones: true,
    render: ({ id, kind, instanceId }) => (
      <TextLink to="/jobs/$jobId" params={{ jobId: id }}>
        {t.jobOf(messages.states.kinds[kind], instanceId)}
      </TextLink>
    ),
  },
  {
    title: t.columns.items,
    width: 'minmax(0, 3fr)',
    render: ({ parts }) => parts.map(({ item }) => item).join(', '),
  },
  { title: t.columns.created, width: '160px', render: ({ createdAt }) => <Instant at={createdAt} isRelative /> },
  {
    title: t.columns.duration,
    width: '110px',
    render: ({ durationSeconds }) => (durationSeconds === undefined ? '' : formatDuration(durationSeconds)),
  },
]
