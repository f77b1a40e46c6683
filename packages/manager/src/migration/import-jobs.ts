import { itemSchema } from '@osb-backup/protocol'
import type { StoredObject } from '@osb-backup/storage'
import { type FoundJob, recordFoundJob } from '../adoption/record-found.ts'
import { inSnapshot } from '../database/transaction.ts'
import { takenNames } from '../restore-points/order-repository.ts'
import type { NewRestorePoint } from '../restore-points/restore-point.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { ObjectFinder } from './find-object.ts'
import type { Import } from './import-context.ts'
import type { OldJob, OldResponse } from './old-documents.ts'

/** One item of an old job. */
interface OldPart {
  item: string
  response: OldResponse
  filename: string
  /** The names that its object may have, the likeliest first. */
  names: string[]
}

/**
 * Imports a finished backup job: each object that it left, and that is still stored, becomes a restore point. Objects that have
 * a restore point already stay as they are.
 */
export async function importJob(running: Import, old: OldJob, finder: ObjectFinder): Promise<void> {
  const { context, call, apply, report } = running
  const referring = referencesOf(running, old)
  if ('problem' in referring) return report.add('job', old._id, 'skipped', referring.problem)
  const parts = partsOf(old, referring.planId)
  if (parts.length === 0) return report.add('job', old._id, 'skipped', 'it left no file')
  const { points, isKnown } = await findPoints(running, referring, parts, finder)
  if (points.length === 0) {
    return isKnown
      ? report.add('job', old._id, 'unchanged')
      : report.add('job', old._id, 'skipped', 'none of its files is stored')
  }
  if (apply) await recordFoundJob(context, call, toJob(running, referring, points), { hold: false })
  report.add('job', old._id, 'imported')
  for (const point of points) report.add('restore point', point.id, 'imported')
}

/** What an old job refers to; or why it is not imported. */
function referencesOf({ instances, plans }: Import, old: OldJob): Referring | { problem: string } {
  const { status, backupPlan: planId } = old
  const isBackup = old.jobType === 'BACKUP' || (old.jobType === undefined && !/Restore/.test(old._class ?? ''))
  if (!isBackup) return { problem: 'restore jobs are not imported' }
  if (status !== 'SUCCEEDED' && status !== 'FAILED')
    return { problem: `it is ${status ?? 'of no state'}, not finished` }
  if (!instances.has(old.serviceInstance)) {
    return { problem: `its service instance ${old.serviceInstance} is not registered` }
  }
  if (planId === undefined) return { problem: 'it names no plan' }
  const destinationId = old.destination ?? plans.get(planId)?.destinationId
  if (destinationId === undefined) return { problem: 'it names no destination, and neither does its plan' }
  return { old, planId, destinationId }
}

/** The restore points that are not recorded yet, and whether there are others that are. */
async function findPoints(
  running: Import,
  referring: Referring,
  parts: readonly OldPart[],
  finder: ObjectFinder,
): Promise<{ points: NewRestorePoint[]; isKnown: boolean }> {
  const { context, report } = running
  const { old, destinationId } = referring
  const names = parts.flatMap((part) => part.names)
  const taken = await inSnapshot(context, (snapshot) => takenNames(snapshot, destinationId, names))
  const points: NewRestorePoint[] = []
  let isKnown = false
  for (const part of parts) {
    if (part.names.some((name) => taken.has(name))) {
      isKnown = true
      report.add('restore point', `${old._id} ${part.item}`, 'unchanged')
      continue
    }
    const object = await finder.find(destinationId, part.names, part.response.filesize?.size || undefined)
    if ('problem' in object) report.add('restore point', `${old._id} ${part.item}`, 'skipped', object.problem)
    else points.push(toPoint(running, referring, part, object))
  }
  return { points, isKnown }
}

/** The parts that left a file. Older versions recorded only the names of files. */
function partsOf(old: OldJob, planId: string): OldPart[] {
  const responses: [string, OldResponse][] = Object.entries(old.agentExecutionReponses ?? {})
  const empty = {
    status: old.status,
    errorMessage: undefined,
    startTime: undefined,
    endTime: undefined,
    filename: undefined,
  }
  const others = Object.keys(old.files ?? {}).filter((item) => !responses.some(([each]) => each === item))
  const all = [
    ...responses,
    ...others.map((item): [string, OldResponse] => [
      item,
      { ...empty, filenamePrefix: undefined, filesize: undefined },
    ]),
  ]
  return all.flatMap(([item, response]) => {
    const filename = response.filename ?? old.files?.[item]
    if (!filename || filename.includes('/') || !itemSchema.safeParse(item).success || response.status !== 'SUCCEEDED')
      return []
    const prefixes = [response.filenamePrefix ?? `${planId}/`, `${planId}/`, '']
    return [{ item, response, filename, names: [...new Set(prefixes)].map((prefix) => prefix + filename) }]
  })
}

/** An old job with what it refers to. */
interface Referring {
  old: OldJob
  planId: string
  destinationId: string
}

function toPoint(
  { plans, now }: Import,
  { old, planId, destinationId }: Referring,
  { item, response, filename }: OldPart,
  object: StoredObject,
): NewRestorePoint {
  const plan = plans.get(planId)
  const takenAt = old.startDate ?? response.startTime ?? object.modifiedAt
  return {
    id: newIdentifier(now),
    jobId: old._id,
    planId,
    instanceId: old.serviceInstance,
    destinationId,
    item,
    prefix: object.name.slice(0, -filename.length),
    filename,
    sizeBytes: object.sizeBytes,
    sha256: undefined,
    root: undefined,
    object: { tag: object.tag, modifiedAt: object.modifiedAt },
    originalSizeBytes: undefined,
    transformedBy: 'script',
    compressionRequested: plan?.compression ?? false,
    compression: 'none',
    encrypted: plan?.publicKey !== undefined,
    recipients: [],
    takenAt: new Date(Math.min(takenAt.getTime(), now.getTime())),
    afterFailure: false,
    warnings: [],
  }
}

function toJob({ plans, now }: Import, { old, planId, destinationId }: Referring, points: NewRestorePoint[]): FoundJob {
  const plan = plans.get(planId)
  const startedAt = new Date(Math.min(...points.map((point) => point.takenAt.getTime())))
  const endedAt = new Date(Math.min(Math.max((old.endDate ?? startedAt).getTime(), startedAt.getTime()), now.getTime()))
  const failed = Object.entries(old.agentExecutionReponses ?? {}).filter(
    ([item, { status }]) => status !== 'SUCCEEDED' && itemSchema.safeParse(item).success,
  )
  return {
    id: old._id,
    instanceId: old.serviceInstance,
    planId,
    destinationId,
    compression: plan?.compression ?? false,
    publicKey: plan?.publicKey,
    status: old.status === 'FAILED' ? 'FAILED' : 'SUCCEEDED',
    startedAt,
    endedAt,
    points,
    parts: [
      ...points.map((point) => ({ item: point.item, status: 'SUCCEEDED' as const, object: point, error: undefined })),
      ...failed.map(([item, { errorMessage }]) => ({
        item,
        status: 'FAILED' as const,
        object: undefined,
        error: errorMessage ?? 'It failed in the old system.',
      })),
    ],
  }
}
