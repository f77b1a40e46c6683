import { setTimeout as sleep } from 'node:timers/promises'
import { limitDescriptors, type ProxyFault } from '@osb-backup/testkit'
import type { ChaosSystem, Service } from './system.ts'
import type { Victim } from './victims.ts'

/** What can happen to a system. */
export const faultKinds = [
  'process killed',
  'process stopped',
  'process suspended',
  'database server crashed',
  'database server restarted',
  'manager cut off from an agent',
  'cut off from the database',
  'cut off from the store',
  'store delays responses',
  'store loses responses',
  'store answers 503',
  'store is silent',
  'connections of the store reset',
  'clock of a manager wrong',
  'clock of an agent wrong',
  'disk of an agent full',
  'agent without descriptors',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** One fault, which has a beginning and an end. */
export interface Fault {
  kind: FaultKind
  /** What it happens to, for the log. */
  subject: string
  durationMs: number
  begin(): Promise<End>
}
type End = () => unknown

type Random = (below: number) => number

const HOUR_SECONDS = 3600
/** Longer than the managers wait for an agent, at times. */
const LONGEST_CUT_MS = 18_000

/** Chooses faults of a system, the same ones for the same seed. */
class Faults {
  readonly #system: ChaosSystem
  readonly #random: Random
  /** Kinds that are still to come before one comes again. */
  #ahead: FaultKind[] = []
  /** The last restart of the database server: they happen one after the other. */
  #restarted: Promise<void> = Promise.resolve()
  /** What is down is not hit again. */
  readonly #down = new Set<Victim>()

  constructor(system: ChaosSystem, random: Random) {
    this.#system = system
    this.#random = random
  }

  /** Undefined where the system has nothing that such a fault could happen to. */
  next(): Fault | undefined {
    if (this.#ahead.length === 0) this.#ahead = [...faultKinds]
    const [kind] = this.#ahead.splice(this.#random(this.#ahead.length), 1)
    return kind && this.#fault(kind)
  }

  #fault(kind: FaultKind): Fault | undefined {
    switch (kind) {
      case 'process killed':
        return this.#onVictim(kind, this.#system.victims, 2000, (victim) => this.#restart(victim, () => victim.kill()))
      case 'process stopped':
        return this.#onVictim(kind, this.#system.victims, 2000, (victim) => this.#restart(victim, () => victim.stop()))
      case 'process suspended':
        return this.#onVictim(kind, this.#system.victims, LONGEST_CUT_MS, (victim) => this.#suspend(victim))
      case 'database server crashed':
        return this.#onDatabase(kind, 'crash')
      case 'database server restarted':
        return this.#onDatabase(kind, 'stop')
      case 'manager cut off from an agent':
        return this.#cut(kind, this.#system.managers, this.#pick(this.#system.agents)?.host?.address)
      case 'cut off from the database':
        return this.#cut(kind, this.#system.managers, this.#system.database?.address)
      case 'cut off from the store':
        return this.#cut(kind, this.#system.victims, this.#system.objectStore?.address)
      case 'store delays responses':
        return this.#onStore(kind, { kind: 'delay', delayMs: 500 + this.#random(5000) })
      case 'store loses responses':
        return this.#onStore(kind, { kind: 'lose-responses' })
      case 'store answers 503':
        return this.#onStore(kind, { kind: 'unavailable', retryAfterSeconds: 1 + this.#random(3) })
      case 'store is silent':
        return this.#onStore(kind, { kind: 'silence' })
      case 'connections of the store reset':
        return this.#onStore(kind, { kind: 'reset' })
      case 'clock of a manager wrong':
        return this.#skew(kind, this.#system.managers, [-2, 2, 26, 72])
      case 'clock of an agent wrong':
        // Stores refuse requests that are signed a quarter of an hour ahead or behind.
        return this.#skew(kind, this.#system.agents, [-0.2, 0.2])
      case 'disk of an agent full':
        return this.#onVictim(
          kind,
          this.#system.agents.filter((agent) => agent.disk !== undefined),
          8000,
          async (agent) => (await agent.disk?.fill()) ?? (() => undefined),
        )
      case 'agent without descriptors':
        if (process.platform !== 'linux') return undefined
        return this.#onVictim(kind, this.#system.agents, 8000, (agent) =>
          limitDescriptors(agent.running.pid, this.#random(12)),
        )
    }
  }

  #onVictim<V extends Victim>(
    kind: FaultKind,
    victims: readonly V[],
    longestMs: number,
    begin: (victim: V) => Promise<End>,
  ): Fault | undefined {
    const victim = this.#pick(victims.filter((each) => each.isRunning && !this.#down.has(each)))
    const durationMs = 200 + this.#random(longestMs)
    return victim && { kind, subject: victim.name, durationMs, begin: () => begin(victim) }
  }

  async #restart(victim: Victim, end: () => Promise<void>): Promise<End> {
    this.#down.add(victim)
    await end()
    return () => victim.start().finally(() => this.#down.delete(victim))
  }

  async #suspend(victim: Victim): Promise<End> {
    this.#down.add(victim)
    const { pid } = victim.running
    process.kill(pid, 'SIGSTOP')
    return () => {
      this.#down.delete(victim)
      // One that has died meanwhile is restarted by its supervisor.
      if (victim.isRunning && victim.running.pid === pid) process.kill(pid, 'SIGCONT')
    }
  }

  #onDatabase(kind: FaultKind, how: 'crash' | 'stop'): Fault | undefined {
    const { postgres } = this.#system
    if (postgres === undefined) return undefined
    const end = () => {
      this.#restarted = this.#restarted.then(() => postgres.restart(how))
      return this.#restarted
    }
    return { kind, subject: 'PostgreSQL', durationMs: 0, begin: async () => end }
  }

  #cut(kind: FaultKind, victims: readonly Victim[], address: string | undefined): Fault | undefined {
    const { network } = this.#system
    const victim = this.#pick(victims)
    const durationMs = 500 + this.#random(LONGEST_CUT_MS)
    if (network === undefined || victim?.host === undefined || address === undefined) return undefined
    const { host } = victim
    return {
      kind,
      subject: `${victim.name} from ${address}`,
      durationMs,
      begin: () => network.partition(host, address),
    }
  }

  #onStore(kind: FaultKind, fault: ProxyFault): Fault | undefined {
    const store: Service | undefined = this.#system.objectStore
    const durationMs = 500 + this.#random(10_000)
    return store && { kind, subject: JSON.stringify(fault), durationMs, begin: async () => store.proxy.inject(fault) }
  }

  #skew(kind: FaultKind, victims: readonly Victim[], hours: readonly number[]): Fault | undefined {
    const clocks = victims.filter((victim) => victim.clock !== undefined)
    const [victim, ahead] = [this.#pick(clocks), this.#pick(hours)]
    if (victim === undefined || ahead === undefined) return undefined
    const begin = async () => {
      await victim.clock?.set(ahead * HOUR_SECONDS)
      return () => victim.clock?.set(0)
    }
    return { kind, subject: `${victim.name} by ${ahead} h`, durationMs: 1000 + this.#random(15_000), begin }
  }

  #pick<T>(choices: readonly T[]): T | undefined {
    return choices[this.#random(Math.max(choices.length, 1))]
  }
}

const MOST_AT_ONCE = 3

/** Lets faults happen, several at a time, until the time is over and all of them have ended. Returns how often which happened. */
export async function spreadFaults(
  system: ChaosSystem,
  { random, seconds, log }: { random: Random; seconds: number; log: (line: string) => void },
): Promise<Map<FaultKind, number>> {
  const faults = new Faults(system, random)
  const counts = new Map<FaultKind, number>()
  const open = new Set<Promise<void>>()
  const problems: unknown[] = []
  const endAt = Date.now() + seconds * 1000
  while (Date.now() < endAt) {
    await sleep(500 + random(2000))
    const fault = open.size < MOST_AT_ONCE ? faults.next() : undefined
    if (fault === undefined) continue
    counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
    log(`${fault.kind}: ${fault.subject}, ${fault.durationMs} ms`)
    const over = undergo(fault)
      .catch((error: unknown) => problems.push(error))
      .then(() => void open.delete(over))
    open.add(over)
  }
  await Promise.all(open)
  if (problems.length > 0) throw new AggregateError(problems, 'faults could not be begun or ended')
  return counts
}

async function undergo(fault: Fault): Promise<void> {
  const end = await fault.begin()
  await sleep(fault.durationMs)
  await end()
}
