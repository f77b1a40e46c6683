import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, Plan, PlanRun, RestorePoint } from '@osb-backup/protocol/v1'
import { type ChaosPlan, type ChaosSystem, PLAN_INTERVAL_SECONDS } from './system.ts'
import type { ChaosAgent } from './victims.ts'

/** What must hold, whatever happened. */
export const guarantees = [
  'every due run is accounted for once',
  'one part at a time works on a database',
  'each part runs its script once',
  'no database stays locked',
  'every job ends',
  'a success leaves its restore points',
  'every restore point has its object, intact',
  'every restore point can be restored',
  'retention keeps what its rule says, and no more',
  'no object is without a restore point',
  'no upload stays incomplete',
  'no process ends by itself',
] as const
export type GuaranteeName = (typeof guarantees)[number]

/** How often a guarantee was checked, and the violations. */
export interface GuaranteeCounter {
  trials: number
  violations: string[]
}

const PAGE = 500
const SWEEP_WAIT_MS = 60_000
const RESTORE_TIMEOUT_MS = 120_000

/** Counts trials and violations of each guarantee. */
export class GuaranteeCounters {
  /** Runs and jobs by outcome, to see that there was something to break. */
  readonly outcomes = new Map<string, number>()
  readonly #counters = new Map<GuaranteeName, GuaranteeCounter>(
    guarantees.map((name) => [name, { trials: 0, violations: [] }]),
  )

  add(name: GuaranteeName, trials: number, violations: readonly string[]): void {
    const counter = this.of(name)
    counter.trials += trials
    counter.violations.push(...violations)
  }

  count(outcome: string, times = 1): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + times)
  }

  of(name: GuaranteeName): GuaranteeCounter {
    const counter = this.#counters.get(name)
    if (counter === undefined) throw new Error(`${name} is no guarantee`)
    return counter
  }

  get violations(): string[] {
    return guarantees.flatMap((name) => this.of(name).violations.map((violation) => `${name}: ${violation}`))
  }
}

/** Checks every guarantee, once everything is at rest. */
export async function checkGuarantees(system: ChaosSystem): Promise<GuaranteeCounters> {
  const counters = new GuaranteeCounters()
  for (const victim of system.victims) counters.add('no process ends by itself', 1, victim.collapses)
  await Promise.all(system.plans.map((plan) => checkPlan(system, plan, counters)))
  await checkDestinations(system, counters)
  await Promise.all(system.plans.map((plan) => checkRestores(system, plan, counters)))
  // Last, as the restores of the check are witnessed too.
  for (const agent of system.agents) await checkTraces(agent, counters)
  return counters
}

async function checkPlan(system: ChaosSystem, each: ChaosPlan, counters: GuaranteeCounters): Promise<void> {
  const { client } = system
  const { plan } = each
  const points = await settledPoints(system, plan)
  const runs = (await Array.fromAsync(client.plans.runs(plan.id).iterate({ limit: PAGE }))).reverse()
  const jobs = (await Array.fromAsync(client.jobs.iterate({ plan: plan.id, limit: PAGE }))).filter(
    (job) => job.kind === 'backup',
  )
  for (const run of runs) counters.count(`runs ${run.outcome}`, run.runCount)
  for (const job of jobs) counters.count(`backups ${job.state}`)
  const due = runs.reduce((sum, run) => sum + run.runCount, 0)
  counters.add('every due run is accounted for once', due, accountProblems(each, runs, jobs))
  const unended = jobs.filter((job) => job.endedAt === undefined)
  counters.add(
    'every job ends',
    jobs.length,
    unended.map((job) => `job ${job.id} of ${plan.name} is ${job.state}`),
  )
  const parts = jobs.flatMap((job) => job.parts.map((part) => ({ job, part })))
  const succeeded = parts.filter(({ part }) => part.state === 'succeeded')
  const isKept = plan.retention.style !== 'count'
  counters.add(
    'a success leaves its restore points',
    isKept ? succeeded.length : 0,
    succeeded
      .filter(({ job, part }) => isKept && !points.some((point) => point.jobId === job.id && point.item === part.item))
      .map(({ job, part }) => `job ${job.id}: ${part.item} succeeded and has no restore point`),
  )
  for (const item of plan.items) {
    const successes = succeeded.filter(({ part }) => part.item === item).map(({ job }) => job)
    const problems = retentionProblems(plan, item, successes, points)
    counters.add('retention keeps what its rule says, and no more', 1, problems)
  }
  const broken = await Promise.all(points.map((point) => objectProblem(system, plan, point)))
  counters.add(
    'every restore point has its object, intact',
    points.length,
    broken.filter((problem) => problem !== undefined),
  )
}

/** The restore points of a plan, once its removals are done. */
async function settledPoints({ client }: ChaosSystem, plan: Plan): Promise<RestorePoint[]> {
  const endAt = Date.now() + SWEEP_WAIT_MS
  for (;;) {
    const points = await Array.fromAsync(client.restorePoints.iterate({ plan: plan.id, limit: PAGE }))
    const isSwept = plan.items.every((item) => goodOf(points, item).length <= keptCount(plan))
    if (Date.now() > endAt || (isSwept && points.every((point) => point.deletion === undefined))) return points
    await sleep(250)
  }
}

const keptCount = ({ retention }: Plan) =>
  retention.style === 'count' ? (retention.period ?? 1) : Number.POSITIVE_INFINITY

const goodOf = (points: readonly RestorePoint[], item: string) =>
  points.filter((point) => point.item === item && !point.afterFailure)

/** Every time that was due between the first run and the pause is in exactly one record, and started runs have their job. */
function accountProblems({ plan, pausedAt }: ChaosPlan, runs: readonly PlanRun[], jobs: readonly Job[]): string[] {
  const problems: string[] = []
  let expected = Date.parse(plan.nextRunAt ?? '') / 1000
  for (const run of runs) {
    const [first, last] = [Date.parse(run.dueAt) / 1000, Date.parse(run.lastDueAt) / 1000]
    if (first !== expected) problems.push(`${plan.id}: a run due at ${expected} was expected, and ${first} is recorded`)
    if ((last - first) / PLAN_INTERVAL_SECONDS + 1 !== run.runCount) {
      problems.push(`${plan.id}: ${run.runCount} runs are recorded from ${first} to ${last}`)
    }
    if (run.outcome === 'started' && jobs.find((job) => job.id === run.jobId)?.dueAt !== run.dueAt) {
      problems.push(`${plan.id}: the run due at ${run.dueAt} has no job`)
    }
    expected = last + PLAN_INTERVAL_SECONDS
  }
  const until = Math.floor((pausedAt ?? new Date()).getTime() / 1000)
  if (expected < until) problems.push(`${plan.id}: nothing is recorded from ${expected} to ${until}`)
  const scheduled = jobs.filter((job) => job.dueAt !== undefined)
  for (const job of scheduled) {
    if (!runs.some((run) => run.jobId === job.id)) problems.push(`${plan.id}: the job ${job.id} is of no run`)
  }
  return problems
}

/** @param successes - The jobs that backed the item up, newest first. */
function retentionProblems(
  plan: Plan,
  item: string,
  successes: readonly Job[],
  points: readonly RestorePoint[],
): string[] {
  const kept = goodOf(points, item)
  const problems: string[] = []
  if (kept.length > keptCount(plan)) problems.push(`${plan.id}: ${item} keeps ${kept.length}`)
  const due = Math.min(keptCount(plan), successes.length)
  if (kept.length < due) problems.push(`${plan.id}: ${item} keeps ${kept.length} of ${due} restore points`)
  const [newest] = successes
  if (newest !== undefined && !kept.some((point) => point.jobId === newest.id)) {
    problems.push(`${plan.id}: the newest restore point of ${item}, of job ${newest.id}, was deleted`)
  }
  return problems
}

async function objectProblem(system: ChaosSystem, plan: Plan, point: RestorePoint): Promise<string | undefined> {
  try {
    const content = await (plan.compression?.algorithm === 'zstd' && system.objectStore !== undefined
      ? system.readObject(point.objectName)
      : readFile(join(system.directory, plan.instanceId, point.objectName)))
    const sha256 = createHash('sha256').update(content).digest('hex')
    if (content.length === point.sizeBytes && sha256 === point.sha256) return undefined
    return `restore point ${point.id}: ${point.objectName} is another object`
  } catch (error) {
    return `restore point ${point.id}: ${point.objectName}: ${(error as Error).message}`
  }
}

async function checkDestinations({ client }: ChaosSystem, counters: GuaranteeCounters): Promise<void> {
  for await (const { id } of client.destinations.iterate({ limit: PAGE })) {
    const { id: reconciliationId } = await client.destinations.reconcile(id, { olderThanSeconds: 0 })
    const { findings, state, error } = await client.reconciliations.wait(reconciliationId)
    if (findings === undefined) throw new Error(`the reconciliation of ${id} is ${state}: ${error}`)
    const { orphans, incompleteUploads, missing, objectCount } = findings
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name)
    counters.add('no object is without a restore point', objectCount, names(orphans))
    counters.add('no upload stays incomplete', objectCount, names(incompleteUploads))
    counters.add('every restore point has its object, intact', 0, names(missing))
  }
}

/** Restores the newest restore point of each item; the script compares what it gets with what was dumped. */
async function checkRestores(
  { client }: ChaosSystem,
  { plan, agent }: ChaosPlan,
  counters: GuaranteeCounters,
): Promise<void> {
  const points = await Array.fromAsync(client.restorePoints.iterate({ plan: plan.id, limit: PAGE }))
  for (const item of plan.items) {
    const [newest] = goodOf(points, item)
    if (newest === undefined) continue
    const { id } = await client.restorePoints.restore(newest.id)
    const job = await client.jobs.wait(id, { signal: AbortSignal.timeout(RESTORE_TIMEOUT_MS) })
    const problem = `restore ${id} of ${newest.objectName} is ${job.state}: ${job.parts[0]?.error ?? ''}`
    counters.add('every restore point can be restored', 1, job.state === 'succeeded' ? [] : [problem])
    if (newest.compression !== 'none') continue
    const restored = await traced(agent, 'restores')
    const isIts = restored.includes(`${newest.sha256} ${item}`)
    counters.add('every restore point can be restored', 0, isIts ? [] : [`restore ${id}: other bytes were restored`])
  }
}

/** What the scripts have seen. */
async function checkTraces(agent: ChaosAgent, counters: GuaranteeCounters): Promise<void> {
  const [violations, locks, runs] = await Promise.all(
    (['violations', 'locks', 'runs'] as const).map((name) => traced(agent, name)),
  )
  const prefix = (text: string) => `${agent.name}: ${text}`
  counters.add('one part at a time works on a database', locks?.length ?? 0, violations?.map(prefix) ?? [])
  const twice = runs?.filter((id, index) => runs.indexOf(id) !== index) ?? []
  counters.add('each part runs its script once', runs?.length ?? 0, twice.map(prefix))
  const left = (await readdir(agent.traces)).filter((entry) => entry.startsWith('lock.'))
  counters.add('no database stays locked', locks?.length ?? 0, left.map(prefix))
}

async function traced(agent: ChaosAgent, name: string): Promise<string[]> {
  return (await readFile(join(agent.traces, name), 'utf8')).split('\n').filter(Boolean)
}
