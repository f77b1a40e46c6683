import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client'
import { isEnded } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder, seededRandom } from '@osb-backup/testkit'
import { registerInstance } from '../fixtures/register-instance.ts'
import { type ChaosCounts, type ChaosPlan, checkWorld } from './check-world.ts'
import { OwnPostgres } from './own-postgres.ts'
import { ChaosAgent, ChaosManager, type Victim } from './victims.ts'

export interface ChaosOptions {
  /** The same seed kills in the same order; the machine's timing is its own. */
  seed: number
  seconds: number
  /** Managers on one PostgreSQL, which is killed too; 0: one manager on its embedded PostgreSQL. */
  managers: number
  agents: number
  log: (line: string) => void
}

const PLANS_PER_AGENT = 3
const SETTLE_MS = 120_000
/** Everything seals with it, whichever manager comes up first. */
const SECRET_KEY = 'c4a05'.padEnd(64, '0')

/**
 * Lets plans fire every second while managers, agents and PostgreSQL are killed at random, then lets everything come to
 * rest and checks that nothing was lost, doubled or left locked.
 *
 * @returns What happened, in numbers.
 * @throws {Error} Naming every promise that did not hold.
 */
export async function runChaos({ seed, seconds, managers, agents, log }: ChaosOptions): Promise<ChaosCounts> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  const store = join(folder, 'store')
  await mkdir(store)
  const postgres = managers === 0 ? undefined : stack.use(await OwnPostgres.start(folder))
  const allManagers = Array.from(
    { length: Math.max(managers, 1) },
    (_, index) => new ChaosManager(`manager ${index + 1}`, managerSettings(folder, store, postgres)),
  )
  const allAgents = await Promise.all(
    Array.from({ length: agents }, (_, index) => ChaosAgent.prepare(`agent-${index + 1}`, folder, store)),
  )
  const victims: Victim[] = [...allManagers, ...allAgents]
  for (const victim of victims) {
    await victim.start()
    stack.defer(() => victim.stop())
  }
  const [first] = allManagers
  if (first === undefined) throw new Error('there is a manager')
  const plans: ChaosPlan[] = []
  for (const agent of allAgents) plans.push(...(await makePlans(first.running.client, agent, store)))

  const kills = await spreadChaos({ victims, postgres, seed, seconds, log })
  const collapses = victims.flatMap((victim) => victim.collapses)
  if (collapses.length > 0) throw new Error(collapses.join('\n'))
  await comeToRest(first.running.client, plans)
  const counts = await checkWorld(first.running.client, plans, store)
  return { ...counts, kills }
}

function managerSettings(folder: string, store: string, postgres: OwnPostgres | undefined): Record<string, string> {
  return {
    DATA_DIR: join(folder, 'manager'),
    FILE_DESTINATION_ROOT: store,
    MINIMUM_INTERVAL_SECONDS: '1',
    AGENT_UNREACHABLE_SECONDS: '60',
    LOG_LEVEL: 'fatal',
    SECRET_KEY,
    ...(postgres === undefined ? {} : { DATABASE_URL: postgres.url }),
  }
}

/** One instance an agent, whose plans fire every second, some with two items and some that keep the newest only. */
async function makePlans(client: BackupClient, agent: ChaosAgent, directory: string): Promise<ChaosPlan[]> {
  const instanceId = agent.name
  await registerInstance(client, instanceId, agent.running)
  const store = { kind: 'file', directory } as const
  const { id: destinationId } = await client.destinations.create({ instanceId, name: 'files', store })
  const plans: ChaosPlan[] = []
  for (let index = 0; index < PLANS_PER_AGENT; index++) {
    const plan = await client.plans.create({
      instanceId,
      name: `plan ${index}`,
      destinationId,
      schedule: { cron: '* * * * * *' },
      retention: index === 0 ? { style: 'count', period: 2 } : { style: 'all' },
      items: index === 2 ? [`db${index}`, `db${index}-second`] : [`db${index}`],
      compression: { algorithm: 'none' },
    })
    plans.push({ plan, instanceId, agent })
  }
  return plans
}

/** Kills and restarts, one thing at a time or several, until the time is over and everything is up again. */
async function spreadChaos({
  victims,
  postgres,
  seed,
  seconds,
  log,
}: {
  victims: readonly Victim[]
  postgres: OwnPostgres | undefined
  seed: number
  seconds: number
  log: (line: string) => void
}): Promise<number> {
  const random = seededRandom(seed)
  const endAt = Date.now() + seconds * 1000
  const rising = new Set<Victim>()
  const risings: Promise<void>[] = []
  let kills = 0
  while (Date.now() < endAt) {
    await delay(800 + random(2500))
    kills++
    if (postgres !== undefined && random(8) === 0) {
      const how = random(2) === 0 ? 'crash' : 'stop'
      log(`${how} PostgreSQL`)
      await postgres.restart(how)
      continue
    }
    const up = victims.filter((victim) => !rising.has(victim))
    const victim = up[random(Math.max(up.length, 1))]
    if (victim === undefined) continue
    const how = random(5) === 0 ? 'stop' : 'kill'
    log(`${how} ${victim.name}`)
    const downMs = random(2000)
    const risen = (how === 'stop' ? victim.stop() : victim.kill())
      .then(() => delay(downMs))
      .then(() => victim.start())
      .finally(() => rising.delete(victim))
    // Awaited at the end; until then a failure has an owner.
    risen.catch(() => undefined)
    rising.add(victim)
    risings.push(risen)
  }
  await Promise.all(risings)
  return kills
}

/** Pauses all plans, and waits until no job waits or runs. */
async function comeToRest(client: BackupClient, plans: readonly ChaosPlan[]): Promise<void> {
  const endAt = Date.now() + SETTLE_MS
  for (const each of plans) {
    const { plan } = each
    each.pausedAt = new Date()
    await client.plans.update(plan.id, { paused: true })
  }
  for (const { instanceId } of plans) {
    for (;;) {
      const jobs = await Array.fromAsync(client.jobs.iterate({ instance: instanceId, limit: 500 }))
      const open = jobs.filter((job) => !isEnded(job.state))
      if (open.length === 0) break
      if (Date.now() > endAt) throw new Error(`jobs did not end: ${open.map((job) => job.id).join(', ')}`)
      await delay(250)
    }
  }
}
