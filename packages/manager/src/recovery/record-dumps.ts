import { type StoreSettings, stores } from '@osb-backup/storage'
import { recordFoundJob } from '../adoption/record-found.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import { inSnapshot } from '../database/transaction.ts'
import { destinationsOfInstance, insertDestination } from '../destinations/repository.ts'
import { findInstance } from '../instances/service.ts'
import { storeInstanceWithAgent } from '../lifecycle/save-instance.ts'
import { agentUrlOf } from '../migration/import-instances.ts'
import { nextRunOf } from '../plans/next-run.ts'
import { DEFAULT_RETRIES } from '../plans/plan.ts'
import { insertPlan, plansOfInstance } from '../plans/repository.ts'
import { plansById } from '../plans/service.ts'
import { takenNames } from '../restore-points/order-repository.ts'
import { objectNameOf } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { RequestError } from '../shared/request-error.ts'
import type { LostDump, Recovery } from './lost-dump.ts'

type Dumps = readonly [LostDump, ...LostDump[]]

/** Records the dumps of one store, with their instances, destinations and plans where those are missing. */
export async function recordDumps(recovery: Recovery, store: StoreSettings, dumps: readonly LostDump[]): Promise<void> {
  const sorted = dumps.toSorted((one, other) => one.point.takenAt.getTime() - other.point.takenAt.getTime())
  for (const ofInstance of groups(sorted, ({ point }) => point.instanceId)) {
    try {
      await recoverInstance(recovery, ofInstance)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      recovery.report.add('service instance', ofInstance[0].point.instanceId, 'skipped', error.message)
      continue
    }
    const destinationId = await recoverDestination(recovery, ofInstance, store)
    for (const ofPlan of groups(ofInstance, ({ point }) => point.planId)) {
      await recoverPlan(recovery, ofPlan, destinationId)
      for (const ofJob of groups(ofPlan, ({ point }) => point.jobId)) await recoverJob(recovery, ofJob, destinationId)
    }
  }
}

function groups(dumps: readonly LostDump[], by: (dump: LostDump) => string): Dumps[] {
  return [...Map.groupBy(dumps, by).values()].flatMap(([first, ...others]) => (first ? [[first, ...others]] : []))
}

async function recoverInstance({ context, call, apply, report }: Recovery, dumps: Dumps): Promise<void> {
  const { instanceId: id } = dumps[0].point
  if ((await findInstance(context, id)) !== undefined) return report.add('service instance', id, 'unchanged')
  // The newest: the host may have changed.
  const ip = dumps.findLast((dump) => dump.host !== undefined)?.host ?? 'unknown.invalid'
  const { legacyAgentUrl, legacyAgentUsername = 'backup', legacyAgentPassword } = context.settings
  const none = { serviceId: undefined, planId: undefined, organizationGuid: undefined, spaceGuid: undefined }
  const credentials = { username: undefined, password: undefined, backupUsername: undefined, backupPassword: undefined }
  const url = agentUrlOf(legacyAgentUrl, ip)
  const instance = {
    ...{
      id,
      version: 0,
      ...none,
      parameters: {},
      secretParameters: [],
      items: undefined,
      pack: undefined,
      otherAgents: [],
      database: credentials,
    },
    hosts: [{ ip, port: undefined, backup: true, name: undefined }],
    agent: { url, username: legacyAgentUsername, password: legacyAgentPassword },
  }
  if (apply) await inAuditedTransaction(context, call, (tx) => storeInstanceWithAgent(tx, instance, undefined))
  const change = `enter its port, the credentials of its database, and those of its agent at ${url}`
  report.add('service instance', id, 'imported', change)
}

async function recoverDestination(
  { context, call, apply, report, now }: Recovery,
  [{ point }]: Dumps,
  store: StoreSettings,
): Promise<string> {
  const { instanceId } = point
  const stored = (await destinationsOfInstance(context, instanceId)).find((each) =>
    stores.isSamePlace(each.store, store),
  )
  if (stored !== undefined) {
    report.add('destination', stored.id, 'unchanged')
    return stored.id
  }
  const id = newIdentifier(now)
  const name = `recovered ${stores.kindOf(store).location(store)}`.slice(0, 200)
  const destination = { id, version: 1, instanceId, name, store, createdAt: now, retiredAt: undefined }
  if (apply) {
    await inAuditedTransaction(context, call, (tx) =>
      insertDestination(tx, { ...destination, bandwidthLimitBytesPerSecond: undefined }),
    )
  }
  report.add('destination', id, 'imported')
  return id
}

/** A plan that is paused and deletes nothing: neither its schedule nor its retention is known. */
async function recoverPlan(recovery: Recovery, dumps: Dumps, destinationId: string): Promise<void> {
  const { context, call, apply, report, now, created } = recovery
  const { planId: id, instanceId } = dumps[0].point
  if (created.has(id)) return
  if ((await plansById(context, [id])).has(id)) return report.add('plan', id, 'unchanged')
  const name = dumps.findLast((dump) => dump.planName)?.planName ?? id
  const isTaken = (await plansOfInstance(context, instanceId)).some((plan) => plan.name === name)
  const plan = {
    ...{ id, version: 1, instanceId, destinationId, name: isTaken ? `${name} (${id})` : name, paused: true },
    ...({ compression: true, compressor: { algorithm: 'zstd', level: undefined } } as const),
    ...({ frequency: '0 0 2 * * *', timezone: 'UTC', retention: { style: 'ALL', period: 1 } } as const),
    ...{ items: [...new Set(dumps.map(({ point }) => point.item))], publicKey: undefined, privateKey: undefined },
    ...{ rpoSeconds: undefined, retries: DEFAULT_RETRIES, parallelItems: 1, excludedItems: [], createdAt: now },
    ...{ nextRunAt: undefined, retentionCountsFrom: undefined },
  }
  const next = nextRunOf({ ...plan, lastDueAt: undefined }, context.settings, now)
  if (apply) await inAuditedTransaction(context, call, (tx) => insertPlan(tx, plan, next))
  created.add(id)
  report.add('plan', id, 'imported', 'enter its schedule, retention and keys, and resume it')
}

async function recoverJob(recovery: Recovery, dumps: Dumps, destinationId: string): Promise<void> {
  const { context, call, apply, report, created } = recovery
  const [{ point: first }] = dumps
  const points = dumps.map(({ point }) => ({ ...point, destinationId }))
  const taken = await inSnapshot(context, (snapshot) => takenNames(snapshot, destinationId, points.map(objectNameOf)))
  const found = points.filter((point) => !taken.has(objectNameOf(point)))
  for (const point of points) {
    report.add('restore point', objectNameOf(point), taken.has(objectNameOf(point)) ? 'unchanged' : 'imported')
  }
  report.add('job', first.jobId, found.length === 0 ? 'unchanged' : 'imported')
  if (found.length === 0 || !apply) return
  const { jobId: id, instanceId, planId, compressionRequested: compression } = first
  const job = {
    ...{ id, instanceId, planId, destinationId, compression, publicKey: undefined, points: found },
    status: 'SUCCEEDED' as const,
    startedAt: first.takenAt,
    endedAt: new Date(Math.max(...dumps.map((dump) => dump.endedAt.getTime()))),
    parts: found.map((point) => ({ item: point.item, status: 'SUCCEEDED' as const, object: point, error: undefined })),
  }
  // A plan that was not lost has a retention, which would delete what it does not keep.
  await recordFoundJob(context, call, job, { hold: !created.has(planId) })
}
