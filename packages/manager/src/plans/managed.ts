import { RequestError } from '../shared/request-error.ts'
import { isSameJson } from '../shared/same-json.ts'
import type { BackupPlan } from './plan.ts'

/** What maintains a plan or a destination, for people. */
function maintainerOf(managedBy: string): string {
  const [kind, id] = [managedBy.slice(0, managedBy.indexOf(':')), managedBy.slice(managedBy.indexOf(':') + 1)]
  return kind === 'policy' ? `the policy ${JSON.stringify(id)}` : `the backup service instance ${JSON.stringify(id)}`
}

/** The refusal of a change by hand. */
export const isManaged = (what: string, managedBy: string) =>
  new RequestError('conflict', `${what} is maintained by ${maintainerOf(managedBy)}: change that instead.`)

/**
 * Leaves a plan that something maintains to it, except that it may be paused and resumed where that is allowed.
 *
 * @param wanted - What it would become; undefined: it would be deleted.
 * @throws {RequestError} `conflict`, saying what maintains it.
 */
export function requireMayEdit(stored: BackupPlan, wanted: BackupPlan | undefined): void {
  const { managedBy, mayPause = true } = stored
  if (managedBy === undefined) return
  const isPausing = wanted !== undefined && isSamePlan({ ...wanted, paused: stored.paused }, stored)
  if (isPausing && (mayPause || wanted.paused === stored.paused)) return
  throw isManaged('This backup plan', managedBy)
}

/** Whether two plans say the same; what is computed from them does not count. */
export function isSamePlan(one: BackupPlan, other: BackupPlan): boolean {
  return isSameJson(comparable(one), comparable(other))
}

function comparable(plan: BackupPlan): unknown {
  const {
    version: _version,
    nextRunAt: _next,
    nextDrillAt: _drill,
    retentionCountsFrom: _counts,
    createdAt: _created,
    ...said
  } = plan
  return { ...said, mayPause: plan.mayPause ?? true }
}
