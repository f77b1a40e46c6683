import type { CloneState } from '@osb-backup/protocol/v1'

/** Copies of the data of instances. */
export interface CloneTable {
  id: string
  source_instance_id: string
  item: string
  restore_point_id: string
  target_kind: 'service-broker' | 'instance'
  /** JSON of where it is restored to; erased when it has ended, as are the next two. */
  sealed_target: string | null
  sealed_private_key: string | null
  masked: boolean
  /** JSON of the statements. */
  sealed_mask: string | null
  state: CloneState
  target_instance_id: string | null
  database: string | null
  restore_job_id: string | null
  failure: string | null
  cancelled_by: string | null
  created_at: Date
  ended_at: Date | null
}
