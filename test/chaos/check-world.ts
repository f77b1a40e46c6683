import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client'
import type { Job, Plan, PlanRun, RestorePoint } from '@osb-backup/protocol/v1'
import type { ChaosAgent } from './victims.ts'

/** A plan that fired while things were killed. */
export interface ChaosPlan {
  plan: Plan
  instanceId: string
  agent: ChaosAgent
  pausedAt?: Date
}

export interface ChaosCounts {
  kills: number
  dueRuns: number
  started: number
  skipped: number
  missed: number
  succeeded: number
  failed: number
  restorePoints: number
}

const PAGE = 500
const SWEEP_WAIT_MS = 30_000

/**
 * Checks what must hold once everything is at rest.
 *
 * @throws {Error} Naming every promise that did not hold.
 */
export async function checkWorld(
  client: BackupClient,
  plans: readonly ChaosPlan[],
  store: string,
): Promise<Omit<ChaosCounts, 'kills'>> {
  const broken: string[] = []
  const counts = { dueRuns: 0, started: 0, skipped: 0, missed: 0, succeeded: 0, failed: 0, restorePoints: 0 }
  for (const each of plans) {
    const runs = (await Array.fromAsync(client.plans.runs(each.plan.id).iterate({ limit: PAGE }))).reverse()
    const jobs = (await Array.fromAsync(client.jobs.iterate({ plan: each.plan.id, limit: PAGE }))).reverse()
    const points = await settledPoints(client, each)
    broken.push(...accountProblems(each, runs), ...jobProblems(each, runs, jobs, points))
    broken.push(...(await objectProblems(each, points, store)))
    for (const run of runs) {
      counts.dueRuns += run.runCount
      counts[run.outcome] += run.runCount
    }
    counts.succeeded += jobs.filter((job) => job.state === 'succeeded').length
    counts.failed += jobs.filter((job) => job.state === 'failed').length
    counts.restorePoints += points.length
  }
  for (const agent of new Set(plans.map((each) => each.agent))) broken.push(...(await agentProblems(agent)))
  if (broken.length > 0) throw new Error(`${broken.length} promises were broken:\n${broken.join('\n')}`)
  return counts
}

/** The restore points of a plan, once its sweeps are done. */
async function settledPoints(client: BackupClient, { plan }: ChaosPlan): Promise<RestorePoint[]> {
  const endAt = Date.now() + SWEEP_WAIT_MS
  for (;;) {
    const points = await Array.fromAsync(client.restorePoints.iterate({ plan: plan.id, limit: PAGE }))
    const isSwept = points.every((point) => point.deletion === undefined) && !keepsTooMany(plan, points)
    if (isSwept || Date.now() > endAt) return points
    await delay(250)
  }
}

/** Every second between the first run and the pause stands in exactly one record. */
function accountProblems({ plan, pausedAt }: ChaosPlan, runs: readonly PlanRun[]): string[] {
  const problems: string[] = []
  let expected = Date.parse(plan.nextRunAt ?? '') / 1000
  for (const run of runs) {
    const [first, last] = [Date.parse(run.dueAt) / 1000, Date.parse(run.lastDueAt) / 1000]
    if (first !== expected)
      problems.push(`plan ${plan.id}: a run due at second ${expected} was expected, ${first} came`)
    if (last - first + 1 !== run.runCount)
      problems.push(`plan ${plan.id}: ${run.runCount} runs from ${first} to ${last}`)
    expected = last + 1
  }
  const pausedSecond = Math.floor((pausedAt ?? new Date()).getTime() / 1000)
  if (expected < pausedSecond) problems.push(`plan ${plan.id}: nothing from second ${expected} to ${pausedSecond}`)
  return problems
}

/** Started runs and jobs belong together one to one; a success has its restore points, and each job its end. */
function jobProblems(
  { plan }: ChaosPlan,
  runs: readonly PlanRun[],
  jobs: readonly Job[],
  points: readonly RestorePoint[],
): string[] {
  const problems: string[] = []
  const started = runs.filter((run) => run.outcome === 'started')
  const byId = new Map(jobs.map((job) => [job.id, job]))
  if (started.length !== jobs.length) problems.push(`plan ${plan.id}: ${started.length} runs and ${jobs.length} jobs`)
  for (const run of started) {
    if (byId.get(run.jobId ?? '')?.dueAt !== run.dueAt) {
      problems.push(`plan ${plan.id}: the run due at ${run.dueAt} has no job`)
    }
  }
  for (const [index, job] of jobs.entries()) {
    const before = jobs[index - 1]
    if (before !== undefined && Date.parse(job.createdAt) < Date.parse(before.endedAt ?? '')) {
      problems.push(`jobs ${before.id} and ${job.id} of one plan ran at the same time`)
    }
    if (job.endedAt === undefined) problems.push(`job ${job.id} has no end`)
    for (const { item, state, error } of job.parts) {
      if (state === 'failed' && !error) problems.push(`job ${job.id}: ${item} failed for no reason`)
      const isKept = plan.retention.style === 'all' && state === 'succeeded'
      if (isKept && !points.some((point) => point.jobId === job.id && point.item === item)) {
        problems.push(`job ${job.id}: ${item} succeeded and has no restore point`)
      }
    }
  }
  return problems
}

/** Every restore point has its object, with the recorded size and digest, and retention keeps what it should. */
async function objectProblems({ plan }: ChaosPlan, points: readonly RestorePoint[], store: string): Promise<string[]> {
  const problems: string[] = []
  for (const point of points) {
    const content = await readFile(join(store, point.objectName)).catch(() => undefined)
    const sha256 = content && createHash('sha256').update(content).digest('hex')
    if (content?.length !== point.sizeBytes || sha256 !== point.sha256) {
      problems.push(`restore point ${point.id}: its object is ${content === undefined ? 'missing' : 'another one'}`)
    }
  }
  if (keepsTooMany(plan, points)) {
    problems.push(`plan ${plan.id} keeps ${goodOf(points).length} restore points instead of ${plan.retention.period}`)
  }
  return problems
}

function keepsTooMany({ retention }: Plan, points: readonly RestorePoint[]): boolean {
  return retention.style === 'count' && goodOf(points).length > (retention.period ?? 0)
}

const goodOf = (points: readonly RestorePoint[]) => points.filter((point) => !point.afterFailure)

/** Nothing is locked, and no part's script ran twice. */
async function agentProblems({ name, traces }: ChaosAgent): Promise<string[]> {
  const locks = (await readdir(traces)).filter((entry) => entry.startsWith('lock.'))
  const runs = (await readFile(join(traces, 'runs'), 'utf8')).split('\n').filter(Boolean)
  const twice = runs.filter((id, index) => runs.indexOf(id) !== index)
  return [
    ...locks.map((lock) => `${name}: ${lock} is left`),
    ...twice.map((id) => `${name}: the backup script of ${id} ran twice`),
  ]
}
