/** The deregistration of a service instance that takes a while. Any manager continues it, at any step. */
export interface Deregistration {
  id: string
  instanceId: string
  /** `running` until it failed; where it succeeded the instance is deleted. */
  state: 'running' | 'failed'
  /** Why it failed; undefined: it did not. */
  reason: string | undefined
  /** Whether a last backup of each plan is taken that is not paused. */
  lastBackup: boolean
  /** After how many days the files are deleted; undefined: they are kept. */
  keepFilesDays: number | undefined
  /** The job of the last backup of each plan. */
  jobIds: Record<string, string>
  requestedAt: Date
}
