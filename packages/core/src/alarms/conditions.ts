import type { AlarmKind } from '@osb-backup/protocol'
import { durationInWords } from '../duration-in-words.ts'
import type { AlarmObject, Condition } from './alarm.ts'
import type {
  AgentFacts,
  AlarmFacts,
  DestinationFacts,
  ItemFacts,
  LockFacts,
  PlanFacts,
  PolicyFailureFacts,
} from './alarm-facts.ts'
import { drillConditions } from './drill-conditions.ts'
import { installationConditions } from './installation-conditions.ts'
import { itemOf } from './item-object.ts'
import { diskConditions, skewConditions } from './machine-conditions.ts'

/** A due run is started within seconds; after so long nobody will. */
const OVERDUE_SECONDS = 300
/** A single skipped run is normal, since another job worked on the database. */
const SKIPPED_RUNS = 2
/** Number of failures of a removal that raise an alarm. */
const REMOVAL_ATTEMPTS = 5
/** An agent that restarts or is upgraded is back by then. */
const OFFLINE_SECONDS = 900

/** What is wrong, according to the facts. */
export function conditionsOf(facts: AlarmFacts): Condition[] {
  const { now, exemptInstanceIds, policyFailures = [] } = facts
  const found = [
    ...facts.items.flatMap(itemConditions),
    ...facts.items.flatMap((item) => drillConditions(item, facts)),
    ...policyFailures.map(policyCondition),
    ...facts.plans.flatMap((plan) => planConditions(plan, now)),
    ...facts.locks.flatMap((lock) => lockConditions(lock, now)),
    ...facts.agents.flatMap((agent) => agentConditions(agent, facts)),
    ...facts.destinations.flatMap(destinationConditions),
    ...installationConditions(facts),
  ]
  const isExempt = ({ instanceId }: Condition) => instanceId !== undefined && exemptInstanceIds?.has(instanceId)
  return found.filter((condition) => !(silencedKinds.has(condition.kind) && isExempt(condition)))
}

/**
 * What raises no alarm of an instance that is unprotected on purpose: that it is not backed up. A locked database and restore
 * points that are lost do all the same.
 */
const silencedKinds: ReadonlySet<AlarmKind> = new Set<AlarmKind>([
  'rpo-exceeded',
  'run-missed',
  'run-skipped',
  'run-failed',
  'suspicious-dump',
  'destination-failing',
  'policy-failing',
])

function policyCondition({ instanceId, error }: PolicyFailureFacts): Condition {
  return {
    kind: 'policy-failing',
    object: { kind: 'instance', id: instanceId, name: instanceId },
    instanceId,
    planId: undefined,
    level: 'bad',
    severity: 'warning',
    sentence: `The policy of ${instanceId} could not be applied: ${error}`,
    advice: 'Correct the instance or the policy; it is applied again every minute.',
  }
}

function itemConditions({ instanceId, item, protection, suspiciousPoint, brokenPoints }: ItemFacts): Condition[] {
  const about = { object: itemOf(instanceId, item), instanceId, planId: undefined, level: 'bad' } as const
  const found: Condition[] = []
  if (protection.state === 'at-risk' || protection.state === 'unprotected') {
    found.push({
      ...about,
      kind: 'rpo-exceeded',
      severity: rpoSeverity(protection),
      sentence: `${item} of ${instanceId}: ${protection.reason}`,
      advice: 'Run the plan, and read the last job of the plan for why there is no newer restore point.',
    })
  }
  if (suspiciousPoint !== undefined) {
    const { sizeBytes, usualSizeBytes } = suspiciousPoint
    const usual = usualSizeBytes === undefined ? '' : ` instead of the usual ${usualSizeBytes}`
    found.push({
      ...about,
      kind: 'suspicious-dump',
      severity: 'warning',
      sentence: `The newest dump of ${item} of ${instanceId} is suspiciously small: ${sizeBytes} bytes${usual}.`,
      advice: 'Check the data of the database; if it did shrink, confirm the restore point.',
    })
  }
  if (brokenPoints > 0) {
    const points = brokenPoints === 1 ? 'One restore point' : `${brokenPoints} restore points`
    found.push({
      ...about,
      kind: 'verification-failed',
      severity: 'critical',
      sentence: `${points} of ${item} of ${instanceId} cannot be restored: damaged or missing in the destination.`,
      advice: 'Back up now, find out what changed the objects, and delete the restore points that are lost.',
    })
  }
  return found
}

/** Where no plan that runs states an objective, nothing is exceeded: somebody paused or deleted the plan. */
function rpoSeverity({ state, rpoSeconds }: ItemFacts['protection']): Condition['severity'] {
  if (rpoSeconds === undefined) return state === 'unprotected' ? 'warning' : 'info'
  return state === 'unprotected' ? 'critical' : 'warning'
}

function planConditions(plan: PlanFacts, now: Date): Condition[] {
  const { planId, instanceId, name, overdueSince, missedAt, skippedRuns, failedJob } = plan
  const object: AlarmObject = { kind: 'plan', id: planId, name }
  const about = { object, instanceId, planId, level: 'bad' } as const
  const title = `The plan ${JSON.stringify(name)} of ${instanceId}`
  const found: Condition[] = []
  const overdueSeconds = overdueSince === undefined ? 0 : secondsBetween(overdueSince, now)
  if (overdueSeconds > OVERDUE_SECONDS || missedAt !== undefined) {
    found.push({
      ...about,
      kind: 'run-missed',
      severity: 'warning',
      sentence:
        overdueSeconds > OVERDUE_SECONDS
          ? `${title} has been due for ${durationInWords(overdueSeconds)}, and was not started.`
          : `${title} missed its run of ${missedAt?.toISOString()}: no manager ran in time.`,
      advice: 'Check that the managers run and reach the database, then run the plan now.',
    })
  }
  if (skippedRuns >= SKIPPED_RUNS) {
    found.push({
      ...about,
      kind: 'run-skipped',
      severity: 'warning',
      sentence: `${title} skipped its last ${skippedRuns} runs, because other jobs were still working.`,
      advice: 'Find the job that does not end, cancel it, or run the plan less often.',
    })
  }
  if (failedJob !== undefined) {
    found.push({
      ...about,
      kind: 'run-failed',
      severity: 'warning',
      sentence: `${title} failed: the job ${failedJob.id} of ${failedJob.endedAt.toISOString()} is not tried again.`,
      advice: 'Read the error of the job and its log, correct the cause, and run the plan.',
    })
  }
  return found
}

function lockConditions(lock: LockFacts, now: Date): Condition[] {
  const { instanceId, database, jobId, since, unlockAttempts, hasEnded } = lock
  // A job that runs unlocks in the end; one whose unlock failed, or that has ended, should have.
  if (unlockAttempts === 0 && !hasEnded) return []
  return [
    {
      kind: 'database-locked',
      object: { kind: 'database', id: JSON.stringify([instanceId, database]), name: database },
      instanceId,
      planId: undefined,
      level: 'bad',
      severity: 'critical',
      sentence: `The database ${database} of ${instanceId} has been locked by the job ${jobId} for ${durationInWords(
        secondsBetween(since, now),
      )}; unlocking it failed ${unlockAttempts === 1 ? 'once' : `${unlockAttempts} times`}.`,
      advice: 'Read the log of the unlock stage, unlock the database, and retry the unlock or mark it as unlocked.',
    },
  ]
}

function agentConditions(agent: AgentFacts, { now, version }: AlarmFacts): Condition[] {
  const { id, name, isReachable, error, lastSeenAt } = agent
  const about = { object: { kind: 'agent', id, name }, instanceId: undefined, planId: undefined } as const
  if (isReachable === undefined) {
    return [{ ...about, ...offlineText(agent, now), kind: 'agent-offline', level: 'borderline', severity: 'warning' }]
  }
  if (!isReachable) {
    const isLong = lastSeenAt === undefined || secondsBetween(lastSeenAt, now) > OFFLINE_SECONDS
    const severity = isLong ? 'critical' : 'warning'
    return [{ ...about, ...offlineText({ ...agent, error }, now), kind: 'agent-offline', level: 'bad', severity }]
  }
  return [
    ...startProblemConditions(agent, about),
    ...skewConditions(agent.skewSeconds, `the agent ${name}`, about),
    ...diskConditions(agent.disks, `the agent ${name}`, about),
    ...outdatedConditions(agent, about, version),
  ]
}

type AboutAgent = Pick<Condition, 'object' | 'instanceId' | 'planId'>

function startProblemConditions({ name, startProblem }: AgentFacts, about: AboutAgent): Condition[] {
  if (startProblem === undefined) return []
  return [
    {
      ...about,
      kind: 'agent-failing',
      level: 'bad',
      severity: 'critical',
      sentence: `The agent ${name} accepts no jobs: ${startProblem}`,
      advice: 'Correct the settings of the agent, or what they name; it repeats the check every few seconds.',
    },
  ]
}

function outdatedConditions(agent: AgentFacts, about: AboutAgent, version: string): Condition[] {
  const severity = outdatedSeverity(agent.version, version)
  if (severity === undefined) return []
  const { name } = agent
  return [
    {
      ...about,
      kind: 'agent-outdated',
      level: 'bad',
      severity,
      sentence: `The agent ${name} has ${
        agent.version === undefined ? 'no version that it reports' : `version ${agent.version}`
      }; the manager has ${version}.`,
      advice: 'Upgrade the agent.',
    },
  ]
}

function offlineText({ name, error, lastSeenAt }: AgentFacts, now: Date): Pick<Condition, 'sentence' | 'advice'> {
  const seen = lastSeenAt === undefined ? 'it never answered' : `it answered ${ageOf(lastSeenAt, now)} ago`
  return {
    sentence: `The agent ${name} is offline; ${seen}.${error === undefined ? '' : ` ${error}`}`,
    advice: 'Check that the agent runs, and that the manager reaches it over the network.',
  }
}

const ageOf = (at: Date, now: Date) => durationInWords(secondsBetween(at, now))

/** Managers work with agents of neighbouring versions. */
function outdatedSeverity(agentVersion: string | undefined, managerVersion: string): Condition['severity'] | undefined {
  if (agentVersion === undefined) return 'info'
  const [agent, manager] = [versionOf(agentVersion), versionOf(managerVersion)]
  if (agent === undefined || manager === undefined) return agentVersion === managerVersion ? undefined : 'info'
  if (agent.major > manager.major || (agent.major === manager.major && agent.minor >= manager.minor)) return undefined
  return agent.major < manager.major || manager.minor - agent.minor > 1 ? 'warning' : 'info'
}

function versionOf(text: string): { major: number; minor: number } | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(text) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}

function destinationConditions(destination: DestinationFacts): Condition[] {
  const { id, instanceId, name, isReachable, error, failingRemovals, removalAttempts } = destination
  const object: AlarmObject = { kind: 'destination', id, name }
  const about = { object, instanceId, planId: undefined } as const
  const found: Condition[] = []
  if (isReachable !== true) {
    found.push({
      ...about,
      kind: 'destination-failing',
      level: isReachable === false ? 'bad' : 'borderline',
      severity: 'critical',
      sentence: `The destination ${JSON.stringify(name)} of ${instanceId} cannot be used: ${error ?? 'unknown'}`,
      advice: 'Check the store, its credentials and its quota; then check the destination.',
    })
  }
  if (failingRemovals > 0) {
    found.push({
      ...about,
      kind: 'removal-stuck',
      level: removalAttempts >= REMOVAL_ATTEMPTS ? 'bad' : 'borderline',
      severity: 'warning',
      sentence: `${failingRemovals === 1 ? 'One object' : `${failingRemovals} objects`} cannot be removed from the destination ${JSON.stringify(
        name,
      )} of ${instanceId}, after up to ${removalAttempts} attempts.`,
      advice: 'Read the error of the removals in the list of restore points; the store may refuse deletions.',
    })
  }
  return found
}

/** Never negative: clocks differ. */
function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000
}
