import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded } from '@osb-backup/protocol/v1'
import type { ChaosSystem } from './system.ts'

const CALL_TIMEOUT_MS = 5000
const SHOWN = 20

/**
 * What people do meanwhile: they run plans, restore, verify and cancel, through whichever manager answers. Calls may fail, and the same
 * call may be made twice.
 */
export async function work(
  system: ChaosSystem,
  random: (below: number) => number,
  signal: AbortSignal,
): Promise<number> {
  let calls = 0
  while (!signal.aborted) {
    await sleep(500 + random(2000), undefined, { signal }).catch(() => undefined)
    const [kind, choice] = [random(10), random(1000)]
    // An unreachable or refusing server is expected here.
    await act(system, kind, choice).then(
      () => calls++,
      () => undefined,
    )
  }
  return calls
}

async function act(system: ChaosSystem, kind: number, choice: number): Promise<void> {
  const { client } = system
  const options = { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }
  const plan = system.plans[choice % system.plans.length]?.plan
  if (plan === undefined) return
  if (kind < 3) {
    await client.plans.run(plan.id, options)
    return
  }
  if (kind < 8) {
    const { items } = await client.restorePoints.list({ plan: plan.id, limit: SHOWN }, options)
    const point = items[choice % Math.max(items.length, 1)]
    if (point === undefined) return
    if (kind < 7) await client.restorePoints.restore(point.id, {}, options)
    else await client.restorePoints.verify(point.id, options)
    return
  }
  const { items } = await client.jobs.list({ limit: SHOWN }, options)
  const job = items.filter((each) => !isEnded(each.state))[choice % SHOWN]
  if (job !== undefined) await client.jobs.cancel(job.id, options)
}
