import type { CloneState, CloneTarget } from '@osb-backup/protocol/v1'

/** A copy of the data of an instance in another one, and how far it is. */
export interface Clone {
  id: string
  sourceInstanceId: string
  item: string
  restorePointId: string
  targetKind: CloneTarget['kind']
  /** Erased when it has ended, as are the next two. */
  target: CloneTarget | undefined
  privateKey: string | undefined
  /** Whether statements run after the restore. */
  isMasked: boolean
  mask: readonly string[] | undefined
  state: CloneState
  targetInstanceId: string | undefined
  database: string | undefined
  restoreJobId: string | undefined
  failure: string | undefined
  /** Who cancelled it; undefined: nobody did. */
  cancelledBy: string | undefined
  createdAt: Date
  endedAt: Date | undefined
}
