import type { AgentCheckResult, AgentJob } from '@osb-backup/protocol'
import { DRILL_DATABASE_PREFIX } from '@osb-backup/protocol'
import type { DrillCheck, DrillSelection } from '@osb-backup/protocol/v1'
import { coversItem, type ItemSelection, isDeclaredItem, isItemPattern } from './item-patterns.ts'

/**
 * The items that a drill of a plan restores.
 *
 * @param wanted - Names and patterns; undefined: everything that the plan covers.
 * @param known - The items that the plan has restore points of, in any order.
 * @returns Also items that the plan names and that were never backed up: that they cannot be restored is what a drill is to find out.
 */
export function drilledItems(
  plan: ItemSelection,
  wanted: readonly string[] | undefined,
  known: readonly string[],
): string[] {
  const named = plan.items.filter((item) => !isItemPattern(item))
  const covered = [...named, ...known.filter((item) => coversItem(plan, item))]
  const chosen = covered.filter((item) => wanted === undefined || isDeclaredItem(item, wanted))
  return [...new Set(chosen)].toSorted()
}

/**
 * Chooses the restore point of an item that a drill restores.
 *
 * @param random - From 0 up to, but not including, 1.
 * @returns Undefined if there is none.
 */
export function chooseDrilledPoint<P extends { sequence: number }>(
  points: readonly P[],
  select: DrillSelection,
  random: number,
): P | undefined {
  const ordered = points.toSorted((one, other) => other.sequence - one.sequence)
  return select === 'newest' ? ordered[0] : ordered[Math.floor(random * ordered.length)]
}

/** The database that a drill creates for an item and drops in the end. No two drills ever choose the same. */
export const drillDatabaseName = (jobId: string, position: number): string =>
  `${DRILL_DATABASE_PREFIX}${jobId.toLowerCase()}_${position}`

/** The checks of a drill that concern an item. */
export function checksOfItem(checks: readonly DrillCheck[], item: string): DrillCheck[] {
  return checks.filter(({ items }) => items === undefined || isDeclaredItem(item, items))
}

/** How a restore of a drill ended, as far as it is known. */
export interface DrillEvidence {
  hasSucceeded: boolean
  /** Why it failed. */
  error: string | undefined
  /** What the agent reported last. */
  agentStatus: Pick<AgentJob, 'stages' | 'checks'> | undefined
  /** The checks that were asked for. */
  checks: readonly DrillCheck[]
  /** The agent was asked to drop the database. */
  isDropped: boolean
}

/** Whether a check found what was expected. */
export interface CheckVerdict {
  name: string
  passed: boolean
  output?: string | undefined
  reason?: string | undefined
}

/** Whether an item was proven to be restorable. */
export interface DrillVerdict {
  passed: boolean
  /** Why not. */
  reason: string | undefined
  verified: boolean
  checks: CheckVerdict[]
  /** From the start of the restore until it was verified and checked. */
  recoverySeconds: number | undefined
}

/**
 * Judges a restore of a drill. It has passed only if everything that was asked for is known to have been done: what an agent does
 * not report was not done.
 */
export function judgeDrill(evidence: DrillEvidence): DrillVerdict {
  const { agentStatus } = evidence
  const checks = evidence.checks.map((check) =>
    judgeCheck(
      check,
      agentStatus?.checks?.find(({ name }) => name === check.name),
    ),
  )
  const verified = hasRun(agentStatus, 'verify')
  const reason = failureOf(evidence, { checks, verified })
  const recoverySeconds = reason === undefined ? recoverySecondsOf(agentStatus) : undefined
  return { passed: reason === undefined, reason, verified, checks, recoverySeconds }
}

function failureOf(
  { hasSucceeded, error, agentStatus, isDropped }: DrillEvidence,
  { checks, verified }: Pick<DrillVerdict, 'checks' | 'verified'>,
): string | undefined {
  if (!hasSucceeded) return error ?? 'The restore failed.'
  const failed = checks.filter(({ passed }) => !passed)
  if (failed.length > 0) {
    return failed.map(({ name, reason }) => `The check ${JSON.stringify(name)} failed: ${reason}`).join(' ')
  }
  if (!verified && checks.length === 0) {
    return 'Nothing proves that it works: the script pack has no verify stage, and the drill has no checks.'
  }
  if (isDropped && !hasRun(agentStatus, 'drill-cleanup')) {
    return 'The agent did not report that it dropped the database of the drill: drop it.'
  }
  return undefined
}

/** Whether the script of a stage ran, and succeeded. */
function hasRun(agentStatus: DrillEvidence['agentStatus'], stage: string): boolean {
  return agentStatus?.stages?.some((each) => each.stage === stage && each.ok === true && each.skipped !== true) ?? false
}

function judgeCheck(check: DrillCheck, result: AgentCheckResult | undefined): CheckVerdict {
  const { name } = check
  if (result === undefined) return { name, passed: false, reason: 'It was not run.' }
  const output = result.output?.trim()
  const reason = result.ok ? mismatchOf(check, output ?? '') : (result.error ?? 'Its script failed.')
  return { name, passed: reason === undefined, output, reason }
}

function mismatchOf({ expected, minimum }: DrillCheck, output: string): string | undefined {
  if (expected !== undefined && output !== expected.trim()) {
    return `It printed ${quote(output)} instead of ${quote(expected.trim())}.`
  }
  if (minimum === undefined) return undefined
  const number = output === '' ? Number.NaN : Number(output)
  return number >= minimum ? undefined : `It printed ${quote(output)}, which is not a number of at least ${minimum}.`
}

const MAX_QUOTED = 200
const quote = (text: string): string =>
  JSON.stringify(text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}…`.toWellFormed())

/** By the clock of the agent, which saw the beginning and the end. */
function recoverySecondsOf(agentStatus: DrillEvidence['agentStatus']): number | undefined {
  const stages = agentStatus?.stages ?? []
  const proving = stages.filter(({ stage }) => stage === 'restore' || stage === 'verify' || stage === 'check')
  const [begins, ends] = [
    stages.map(({ start_time }) => timeOf(start_time)),
    proving.map(({ end_time }) => timeOf(end_time)),
  ]
  const [first, last] = [Math.min(...begins), Math.max(...ends)]
  return Number.isFinite(first) && Number.isFinite(last) && last >= first ? (last - first) / 1000 : undefined
}

const timeOf = (instant: string | undefined): number => new Date(instant ?? '').getTime()

/** What is known of an item: since when drills cover it, and when it was last proven to be restorable. */
export interface ProvenItem {
  coveredSince: Date | undefined
  provenAt: Date | undefined
}

/**
 * Since when all items are proven to be restorable: the earliest of their last proofs. Items that no drill covers count only where drills
 * cover none at all.
 *
 * @returns Undefined while one of them was never proven.
 */
export function earliestProof(items: readonly ProvenItem[]): Date | undefined {
  const covered = items.filter(({ coveredSince }) => coveredSince !== undefined)
  const counted = covered.length > 0 ? covered : items.filter(({ provenAt }) => provenAt !== undefined)
  const proofs = counted.flatMap(({ provenAt }) => provenAt ?? [])
  if (proofs.length === 0 || proofs.length < counted.length) return undefined
  return new Date(Math.min(...proofs.map((proof) => proof.getTime())))
}
