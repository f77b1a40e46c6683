import { type Clone, cloneQuerySchema } from '@osb-backup/protocol/v1'
import { styleState } from '../output/style.ts'
import { formatRelative } from '../output/units.ts'
import type { Resource } from './resource.ts'

export const cloneResource: Resource<Clone> = {
  noun: 'clone',
  plural: 'clones',
  calls: ({ clones }) => ({ get: (id) => clones.get(id), iterate: (query) => clones.iterate(query) }),
  querySchema: cloneQuerySchema,
  id: ({ id }) => id,
  columns: ({ style, nowMs }) => [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'STATE', cell: ({ state }) => styleState(style, state) },
    { header: 'SOURCE', cell: ({ sourceInstanceId }) => sourceInstanceId, shrinks: true },
    { header: 'ITEM', cell: ({ item }) => item, shrinks: true },
    { header: 'INSTANCE', cell: ({ instanceId }) => instanceId ?? '–', shrinks: true },
    { header: 'MASKED', cell: ({ masked }) => (masked ? 'yes' : 'no') },
    { header: 'CREATED', cell: ({ createdAt }) => formatRelative(createdAt, nowMs) },
    { header: 'ERROR', cell: ({ failure }) => failure ?? '', shrinks: true },
    { header: 'RESTORE JOB', cell: ({ restoreJobId }) => restoreJobId ?? '–', wide: true },
  ],
  empty: 'There are no clones.',
}
