/** Who did what to which object, when and from where. */
export interface AuditEntry {
  id: string
  at: Date
  caller: { kind: string; id: string; name: string }
  address: string
  /** The HTTP method and the route: `DELETE /backupPlans/:id`; or the command, for one that was run on the machine. */
  action: string
  /** What it was applied to. */
  path: string
  status: number
  instanceId: string | undefined
}
