import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded } from '@osb-backup/protocol/v1'
import { seededRandom } from '@osb-backup/testkit'
import { type FaultKind, spreadFaults } from './faults.ts'
import { checkGuarantees, type GuaranteeCounters } from './guarantees.ts'
import { ChaosSystem, type SystemOptions } from './system.ts'
import { work } from './workload.ts'

export interface ChaosOptions extends SystemOptions {
  /** The same seed chooses the same faults; the machine's timing is its own. */
  seed: number
  seconds: number
  log: (line: string) => void
}

export interface ChaosResult {
  faults: ReadonlyMap<FaultKind, number>
  counters: GuaranteeCounters
  /** What was left out, and why. */
  skipped: readonly string[]
}

const SETTLE_MS = 240_000

/**
 * Lets plans fire and people work while processes, servers, networks, clocks, disks and stores break, several at a time. Then it heals
 * everything, lets it come to rest, and checks every guarantee.
 */
export async function runChaos({ seed, seconds, log, ...options }: ChaosOptions): Promise<ChaosResult> {
  await using system = await ChaosSystem.start(options)
  for (const reason of system.skipped) log(`skipped: ${reason}`)
  const end = new AbortController()
  // Two generators, as the faults do not wait for the people.
  const working = work(system, seededRandom(seed + 1), end.signal)
  const faults = await spreadFaults(system, { random: seededRandom(seed), seconds, log }).finally(() => end.abort())
  log(`everything is healed; ${await working} calls were made meanwhile`)
  await comeToRest(system, log)
  log('everything is at rest')
  const counters = await checkGuarantees(system)
  log('every guarantee is checked')
  return { faults, counters, skipped: system.skipped }
}

/** Pauses all plans, and waits until no job waits or runs. Those that do not end are found later. */
async function comeToRest(system: ChaosSystem, log: (line: string) => void): Promise<void> {
  const endAt = Date.now() + SETTLE_MS
  const { client } = system
  for (const each of system.plans) {
    each.pausedAt = new Date()
    await client.plans.update(each.plan.id, { paused: true })
  }
  for (;;) {
    const jobs = await Array.fromAsync(client.jobs.iterate({ limit: 500 }))
    const open = jobs.filter((job) => !isEnded(job.state))
    if (open.length === 0) return
    if (Date.now() > endAt) return log(`these jobs do not end: ${open.map((job) => `${job.id} (${job.state})`).join()}`)
    await sleep(500)
  }
}
