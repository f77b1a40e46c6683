import type { RunKind } from './stage-order.ts'

/** What choosing has to know of a job. */
export interface ChosenJob {
  id: string
  /** Backups and restores have slots of their own. */
  kind: RunKind
  /** Whose job it is: tenants take turns. */
  tenant: string
  /** Where it runs. */
  agent: string
  /** Where it stores. */
  destination: string
  /** How many slots it takes: that many of its parts run. One that waits takes one. */
  slots: number
}

/** How many slots jobs of one kind may take at the same time. */
export interface JobLimits {
  overall: number
  perAgent: number
  perDestination: number
}

/** Restores come first: a user waits for them. */
const kindsInOrder = ['restore', 'backup'] as const satisfies RunKind[]

/**
 * Chooses which waiting jobs may start. Backups and restores are counted against limits of their own, so a restore starts
 * however many backups wait or run. Tenants take turns: the next slot goes to the tenant with the fewest jobs of the kind
 * that run; within a tenant, and among tenants with as many, who came first is first. So a tenant with a thousand plans does
 * not keep another one with one from its backup. A job whose agent or destination is full lets others pass.
 *
 * @param waiting - In the order they came; not mutated.
 * @param running - Those that have been started and are not over.
 * @param most - How many to choose at most.
 * @returns The chosen jobs, restores first.
 */
export function chooseJobs<J extends ChosenJob>(
  waiting: readonly J[],
  running: readonly ChosenJob[],
  limits: Readonly<Record<RunKind, JobLimits>>,
  most: number,
): J[] {
  const chosen: J[] = []
  for (const kind of kindsInOrder) {
    const ofKind = ({ kind: own }: ChosenJob) => own === kind
    chosen.push(...takeTurns(waiting.filter(ofKind), running.filter(ofKind), limits[kind], most - chosen.length))
  }
  return chosen
}

/** Chooses among jobs of one kind. */
function takeTurns<J extends ChosenJob>(
  waiting: readonly J[],
  running: readonly ChosenJob[],
  limits: JobLimits,
  most: number,
): J[] {
  const agents = countBy(running, (job) => job.agent)
  const destinations = countBy(running, (job) => job.destination)
  const tenants = countBy(running, (job) => job.tenant)
  const queues = Map.groupBy(waiting, (job) => job.tenant)
  const came = new Map([...queues.keys()].map((tenant, index) => [tenant, index]))
  const chosen: J[] = []
  const canStart = (job: J) =>
    (agents.get(job.agent) ?? 0) < limits.perAgent && (destinations.get(job.destination) ?? 0) < limits.perDestination

  for (let free = limits.overall - slotsOf(running); chosen.length < most && free > 0; free--) {
    const turns = [...queues.keys()].toSorted(
      (one, other) =>
        (tenants.get(one) ?? 0) - (tenants.get(other) ?? 0) || (came.get(one) ?? 0) - (came.get(other) ?? 0),
    )
    const job = firstOf(turns, (tenant) => queues.get(tenant)?.find(canStart))
    if (job === undefined) break
    chosen.push(job)
    for (const [counts, key] of [
      [agents, job.agent],
      [destinations, job.destination],
      [tenants, job.tenant],
    ] as const)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    queues.set(job.tenant, queues.get(job.tenant)?.filter((each) => each !== job) ?? [])
  }
  return chosen
}

function firstOf<T, R>(values: readonly T[], find: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = find(value)
    if (found !== undefined) return found
  }
  return undefined
}

const slotsOf = (jobs: readonly ChosenJob[]) => jobs.reduce((sum, { slots }) => sum + slots, 0)

function countBy(jobs: readonly ChosenJob[], keyOf: (job: ChosenJob) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const job of jobs) counts.set(keyOf(job), (counts.get(keyOf(job)) ?? 0) + job.slots)
  return counts
}

/**
 * Whether a job that runs may run one more of its parts at the same time: if a slot is left that no waiting job takes, and its turn
 * has come.
 *
 * @param waiting - In the order they came.
 * @param running - With the job itself.
 */
export function canTakeSlot(
  jobId: string,
  waiting: readonly ChosenJob[],
  running: readonly ChosenJob[],
  limits: Readonly<Record<RunKind, JobLimits>>,
): boolean {
  const job = running.find(({ id }) => id === jobId)
  if (job === undefined) return false
  return chooseJobs([...waiting, { ...job, slots: 1 }], running, limits, waiting.length + 1).some(
    ({ id }) => id === jobId,
  )
}
