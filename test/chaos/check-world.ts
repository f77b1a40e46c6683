import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client/legacy'
import type { BackupPlan, Job, Page, PlanRun, RestorePoint } from '@osb-backup/protocol'
import type { ChaosAgent } from './victims.ts'

/** A plan that fired while things were killed. */
export interface ChaosPlan {
  plan: BackupPlan
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

const PAGE = 2000
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
    const runs = await all((page) => client.backupPlans.listRuns(each.plan.id, { size: PAGE, page, sort: 'dueAt,asc' }))
    const jobs = (
      await all((page) => client.jobs.listBackups(each.instanceId, { size: PAGE, page, sort: 'startDate,asc' }))
    ).filter((job) => job.backupPlan?.id === each.plan.id)
    const points = await settledPoints(client, each)
    broken.push(...accountProblems(each, runs), ...jobProblems(each, runs, jobs, points))
    broken.push(...(await objectProblems(each, points, store)))
    for (const run of runs) {
      counts.dueRuns += run.runs
      counts[run.outcome === 'STARTED' ? 'started' : run.outcome === 'SKIPPED' ? 'skipped' : 'missed'] += run.runs
    }
    counts.succeeded += jobs.filter((job) => job.status === 'SUCCEEDED').length
    counts.failed += jobs.filter((job) => job.status === 'FAILED').length
    counts.restorePoints += points.length
  }
  for (const agent of new Set(plans.map((each) => each.agent))) broken.push(...(await agentProblems(agent)))
  if (broken.length > 0) throw new Error(`${broken.length} promises were broken:\n${broken.join('\n')}`)
  return counts
}

async function all<T>(read: (page: number) => Promise<Page<T>>): Promise<T[]> {
  const entries: T[] = []
  for (let page = 0; ; page++) {
    const { content, last } = await read(page)
    entries.push(...content)
    if (last) return entries
  }
}

/** The restore points of a plan, once its sweeps are done. */
async function settledPoints(client: BackupClient, { plan, instanceId }: ChaosPlan): Promise<RestorePoint[]> {
  const endAt = Date.now() + SWEEP_WAIT_MS
  for (;;) {
    const points = await all((page) => client.restorePoints.list(instanceId, { plan: plan.id, size: PAGE, page }))
    const isSwept = points.every((point) => point.removal === undefined) && !keepsTooMany(plan, points)
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
    if (last - first + 1 !== run.runs) problems.push(`plan ${plan.id}: ${run.runs} runs from ${first} to ${last}`)
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
  const started = runs.filter((run) => run.outcome === 'STARTED')
  const byId = new Map(jobs.map((job) => [job.id, job]))
  if (started.length !== jobs.length) problems.push(`plan ${plan.id}: ${started.length} runs and ${jobs.length} jobs`)
  for (const run of started) {
    if (byId.get(run.backupJobId ?? '')?.dueDate !== run.dueAt) {
      problems.push(`plan ${plan.id}: the run due at ${run.dueAt} has no job`)
    }
  }
  for (const [index, job] of jobs.entries()) {
    const before = jobs[index - 1]
    if (before !== undefined && Date.parse(job.startDate) < Date.parse(before.endDate ?? '')) {
      problems.push(`jobs ${before.id} and ${job.id} of one plan ran at the same time`)
    }
    if (job.endDate === undefined) problems.push(`job ${job.id} has no end`)
    for (const [item, part] of Object.entries(job.agentExecutionReponses)) {
      if (part.status === 'FAILED' && !part.error_message) problems.push(`job ${job.id}: ${item} failed for no reason`)
      const isKept = plan.retentionStyle === 'ALL' && part.status === 'SUCCEEDED'
      if (isKept && !points.some((point) => point.backupJobId === job.id && point.item === item)) {
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
    const content = await readFile(join(store, point.filenamePrefix, point.filename)).catch(() => undefined)
    const sha256 = content && createHash('sha256').update(content).digest('hex')
    if (content?.length !== point.sizeBytes || sha256 !== point.sha256) {
      problems.push(`restore point ${point.id}: its object is ${content === undefined ? 'missing' : 'another one'}`)
    }
  }
  if (keepsTooMany(plan, points)) {
    problems.push(`plan ${plan.id} keeps ${goodOf(points).length} restore points instead of ${plan.retentionPeriod}`)
  }
  return problems
}

function keepsTooMany({ retentionStyle, retentionPeriod }: BackupPlan, points: readonly RestorePoint[]): boolean {
  return retentionStyle === 'FILES' && goodOf(points).length > retentionPeriod
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
