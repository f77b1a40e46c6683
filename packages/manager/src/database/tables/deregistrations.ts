import type { Json } from './columns.ts'

export interface DeregistrationTable {
  instance_id: string
  /** Of this attempt. */
  id: string
  state: 'running' | 'failed'
  /** Why it failed. */
  reason: string | null
  last_backup: boolean
  /** Null: files are kept until somebody deletes them. */
  keep_files_days: number | null
  /** The job of the last backup of each plan, by plan. */
  job_ids: Json<Record<string, string>>
  requested_at: Date
}
