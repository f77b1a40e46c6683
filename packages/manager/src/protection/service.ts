import {
  type CoveringPlan,
  coversItem,
  defaultRpoSeconds,
  exempted,
  isDeclaredItem,
  isItemPattern,
  type Protection,
  type ProvenItem,
  protectionOf,
  worstProtection,
} from '@osb-backup/core'
import type { Call } from '../access/call.ts'
import type { Grants } from '../access/caller.ts'
import { scopeOf } from '../access/scope.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InstanceRange } from '../database/conditions.ts'
import type { Exemption } from '../exemptions/exemption.ts'
import { activeExemptions } from '../exemptions/repository.ts'
import { listInstanceIds } from '../instances/ids-repository.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { type InstanceSearch, instancesById, searchInstanceIds, searchInstances } from '../instances/repository.ts'
import { lockedInstances } from '../jobs/locks-repository.ts'
import { coverageOfInstances, type PlanCoverage } from '../plans/search-repository.ts'
import { type ItemPoints, pointsByItem } from '../restore-points/counters-repository.ts'
import { type ItemProof, proofsByItem } from '../restore-points/proofs-repository.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'

/** An item of an instance: a database that a plan covers, or that a restore point is of. */
export interface ProtectedItem {
  name: string
  planIds: string[]
  protection: Protection
  restorePointCount: number
  /** What drills found out about it; undefined: it never had a restore point. */
  proof: ItemProof | undefined
  /** The plans whose drills cover it. */
  drilledBy: string[]
  /** Since when drills cover it. */
  coveredSince: Date | undefined
}

/** When an item was last proven to be restorable. */
export const provenItem = ({ proof, coveredSince }: ProtectedItem): ProvenItem => ({
  coveredSince,
  provenAt: proof?.provenAt,
})

/** A service instance with its items and the worst of their protection. */
export interface ProtectedInstance {
  instance: ServiceInstance
  items: ProtectedItem[]
  protection: Protection
  /** Since when one of its databases is locked. */
  lockedSince: Date | undefined
}

const CLOCK_DIFFERENCE_MS = 86_400_000
/** How many instances are judged for one page that is filtered by protection; the cursor continues after them. */
const MAX_JUDGED = 2000
const BATCH_SIZE = 500
/** How many are judged at once where nothing but their protection is read. */
const LARGE_BATCH_SIZE = 2500

type ProtectionContext = Pick<Context, 'database' | 'sealer'>

/** Judges instances that the caller was authorized for. */
export async function judgeInstances(
  context: ProtectionContext,
  instances: readonly ServiceInstance[],
): Promise<ProtectedInstance[]> {
  const judged = await judgeItemsOf(
    context,
    instances.map(({ id }) => id),
    await readClock(context),
  )
  return withProtection(context, instances, judged)
}

async function withProtection(
  context: ProtectionContext,
  instances: readonly ServiceInstance[],
  judged: ReadonlyMap<string, ProtectedItem[]>,
): Promise<ProtectedInstance[]> {
  const ids = instances.map(({ id }) => id)
  const locked = await lockedInstances(context, ids)
  const exemptions = await activeExemptions(context, ids)
  return instances.map((instance) => ({
    instance,
    ...withExemption(judged.get(instance.id) ?? [], exemptions.get(instance.id)),
    lockedSince: locked.get(instance.id),
  }))
}

/** The protection of an instance and its items, which may be unprotected on purpose. */
function withExemption(
  judged: readonly ProtectedItem[],
  exemption: Exemption | undefined,
): Pick<ProtectedInstance, 'items' | 'protection'> {
  const why = exemption && { ...exemption, by: exemption.exemptedBy.name }
  const items = judged.map((item) => ({ ...item, protection: exempted(item.protection, why) }))
  return { items, protection: exempted(worstProtection(items), why) }
}

/** The items of instances with the protection of each, by instance. */
async function judgeItemsOf(
  context: Pick<Context, 'database'>,
  instanceIds: readonly string[],
  now: Date,
  instances: readonly string[] | InstanceRange = instanceIds,
): Promise<Map<string, ProtectedItem[]>> {
  const latest = new Date(now.getTime() + CLOCK_DIFFERENCE_MS)
  const [coverage, proofsOfItems, pointsOfItems] = await Promise.all([
    coverageOfInstances(context, instances),
    proofsByItem(context, instances),
    pointsByItem(context, instances, latest),
  ])
  const plans = Map.groupBy(coverage, (plan) => plan.instanceId)
  const proofs = Map.groupBy(proofsOfItems, (each) => each.instanceId)
  const points = Map.groupBy(pointsOfItems, (each) => each.instanceId)
  const judging = { now, rpoOf: memoizedRpo(now) }
  return new Map(
    instanceIds.map((id) => {
      const known = { points: points.get(id) ?? [], proofs: proofs.get(id) ?? [] }
      return [id, judgeItems(plans.get(id) ?? [], known, judging)]
    }),
  )
}

interface Judging {
  now: Date
  rpoOf(plan: PlanCoverage): number | undefined
}

/** What is known of the items of an instance. */
interface KnownItems {
  points: readonly ItemPoints[]
  proofs: readonly ItemProof[]
}

function judgeItems(plans: readonly PlanCoverage[], { points, proofs }: KnownItems, judging: Judging): ProtectedItem[] {
  const proofOf = new Map(proofs.map((each) => [each.item, each]))
  const known = points.map((each) => each.item)
  const names = new Set([...plans.flatMap((plan) => namedBy(plan, known)), ...known])
  const pointsOf = new Map(points.map((each) => [each.item, each]))
  return [...names].sort().map((name) => {
    const covering = plans.filter(
      (plan) => plan.items.includes(name) || (!isItemPattern(name) && coversItem(plan, name)),
    )
    const ofItem = pointsOf.get(name)
    const protection = protectionOf(
      { plans: covering.map((plan) => toCovering(plan, judging)), points: toPoints(ofItem, judging.now) },
      judging.now,
    )
    const planIds = covering.map((plan) => plan.id)
    const proof = proofOf.get(name)
    return {
      name,
      planIds,
      protection,
      restorePointCount: ofItem?.total ?? 0,
      proof,
      ...drillsOf(name, covering, proof),
    }
  })
}

/** The plans whose drills cover an item, and since when: not before it had a restore point. */
function drillsOf(
  name: string,
  covering: readonly PlanCoverage[],
  proof: ItemProof | undefined,
): Pick<ProtectedItem, 'drilledBy' | 'coveredSince'> {
  const drilling = isItemPattern(name)
    ? []
    : covering.filter(
        ({ drills, paused }) =>
          drills !== undefined && !paused && (drills.items === undefined || isDeclaredItem(name, drills.items)),
      )
  const drilledBy = drilling.map(({ id }) => id)
  const [first, ...others] = drilling.flatMap(({ drills }) => drills?.since ?? [])
  if (first === undefined || proof === undefined) return { drilledBy, coveredSince: undefined }
  const since = Math.min(first.getTime(), ...others.map((each) => each.getTime()))
  return { drilledBy, coveredSince: new Date(Math.max(since, proof.knownSince.getTime())) }
}

/** The items that a plan names. A pattern of which nothing has been backed up stands for itself, so that it does not go unnoticed. */
function namedBy({ items, excludedItems }: PlanCoverage, known: readonly string[]): string[] {
  return items.filter(
    (item) => !isItemPattern(item) || !known.some((each) => coversItem({ items: [item], excludedItems }, each)),
  )
}

function toCovering(plan: PlanCoverage, { rpoOf }: Judging): CoveringPlan {
  const { paused, createdAt } = plan
  return { schedule: plan, paused, rpoSeconds: rpoOf(plan), createdAt }
}

/** The newest good restore point represents all good ones; another one represents the others. */
function toPoints(points: ItemPoints | undefined, now: Date) {
  if (points === undefined) return []
  return points.newestGoodAt === undefined
    ? [{ takenAt: now, good: false }]
    : [{ takenAt: points.newestGoodAt, good: true }]
}

/** Many plans have the same schedule, and its intervals are not computed twice. */
function memoizedRpo(now: Date): Judging['rpoOf'] {
  const known = new Map<string, number | undefined>()
  return ({ rpoSeconds, frequency, timezone }) => {
    if (rpoSeconds !== undefined) return rpoSeconds
    const name = `${timezone} ${frequency}`
    if (!known.has(name)) known.set(name, defaultRpoSeconds({ frequency, timezone }, now))
    return known.get(name)
  }
}

/** One page of the instances that the caller was granted, newest first, with their protection. */
export async function searchProtectedInstances(
  context: ProtectionContext,
  call: Call,
  { state, ...filter }: Omit<InstanceSearch, 'scope'> & { state?: Protection['state'] | undefined },
  page: KeysetRequest,
): Promise<Pick<KeysetPage<ProtectedInstance>, 'entries' | 'next'>> {
  const search = { ...filter, scope: await scopeOf(call, undefined) }
  if (state === undefined) {
    const { entries, next } = await searchInstances(context, search, page)
    return { entries: await judgeInstances(context, entries), next }
  }
  const { judged, next } = await findProtected(context, search, state, page)
  const instances = await instancesById(context, [...judged.keys()])
  const entries = [...judged.keys()].flatMap((id) => instances.get(id) ?? [])
  return { entries: await withProtection(context, entries, judged), next }
}

/** Finds the instances in a state of protection, in the order of the list. Nothing but their ids is read of the others. */
async function findProtected(
  context: ProtectionContext,
  search: InstanceSearch,
  state: Protection['state'],
  { limit, after: first }: KeysetRequest,
): Promise<{ judged: Map<string, ProtectedItem[]>; next: string[] | undefined }> {
  const now = await readClock(context)
  const found = new Map<string, ProtectedItem[]>()
  let after = first
  for (let judged = 0; judged < MAX_JUDGED; judged += BATCH_SIZE) {
    const batch = await searchInstanceIds(context, search, { limit: BATCH_SIZE, after })
    const items = await judgeItemsOf(context, batch.entries, now)
    const exemptions = await activeExemptions(context, batch.entries)
    for (const [index, id] of batch.entries.entries()) {
      const ofInstance = items.get(id) ?? []
      if (withExemption(ofInstance, exemptions.get(id)).protection.state !== state) continue
      found.set(id, ofInstance)
      const isLast = index === batch.entries.length - 1 && batch.next === undefined
      if (found.size === limit) return { judged: found, next: isLast ? undefined : batch.keys[index] }
    }
    if (batch.next === undefined) return { judged: found, next: undefined }
    after = batch.next
  }
  return { judged: found, next: after ? [...after] : undefined }
}

/** The protection of an instance and its items. */
export interface JudgedInstance extends Pick<ProtectedInstance, 'items' | 'protection'> {
  instanceId: string
}

/** Judges all instances of a scope, in batches, between which other requests are served. */
export async function* judgeAllInstances(
  context: Pick<Context, 'database'>,
  scope: Grants,
): AsyncGenerator<JudgedInstance> {
  const now = await readClock(context)
  let ids: string[]
  let after = ''
  do {
    ids = await listInstanceIds(context, scope, { after, limit: LARGE_BATCH_SIZE })
    const last = ids.at(-1) ?? ''
    const exemptions = await activeExemptions(context, { scope, after, last })
    for (const [instanceId, items] of await judgeItemsOf(context, ids, now, { scope, after, last })) {
      yield { instanceId, ...withExemption(items, exemptions.get(instanceId)) }
    }
    after = last
  } while (ids.length === LARGE_BATCH_SIZE)
}
